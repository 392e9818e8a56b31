package grafana

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// newUser creates a user with the role Viewer, and returns its id.
func (w *world) newUser(t *testing.T, login string, serverAdmin bool) (id int) {
	t.Helper()
	var made struct{ ID int }
	w.call(t, http.MethodPost, "/api/admin/users", fmt.Sprintf(`{"name": %q, "login": %q, "password": "secret1", "OrgId": 1}`, login, login), &made)
	w.mayReload(t, made.ID, serverAdmin)
	return made.ID
}

func (w *world) mayReload(t *testing.T, id int, may bool) {
	t.Helper()
	w.call(t, http.MethodPut, fmt.Sprintf("/api/admin/users/%d/permissions", id), fmt.Sprintf(`{"isGrafanaAdmin": %t}`, may), nil)
}

// as starts reloader with other credentials. The last flag takes the path of a file with the secret.
func (w *world) as(t *testing.T, secret string, flags ...string) *daemon {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags = append(flags, file)
	r := rig.NewReloader(t, append([]string{"--grafana-url", w.url, "--grafana-provisioning", w.provisioning, "--poll-interval", "2s"}, flags...)...)
	r.Start()
	return &daemon{r}
}

const warnsOfUser = "reloader's user may not reload provisioning"

// A user, and the token of a service account, may read but not reload. reloader warns about it at the start; a change is not live,
// and the hint says who may reload. Once the user may reload, the change is live without help, and there is no further warning.
func TestUserWhoMayNotReload(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ds := w.mount("datasources", datasource(9090))
		w.call(t, http.MethodPost, "/api/admin/provisioning/datasources/reload", "", nil)
		id := w.newUser(t, "viewer", false)
		var account struct{ ID int }
		var token struct{ Key string }
		w.call(t, http.MethodPost, "/api/serviceaccounts", `{"name": "sa", "role": "Viewer"}`, &account)
		w.call(t, http.MethodPost, fmt.Sprintf("/api/serviceaccounts/%d/tokens", account.ID), `{"name": "t"}`, &token)
		byToken := w.as(t, token.Key, "--grafana-bearer-token-file")
		byUser := w.as(t, "secret1", "--grafana-username", "viewer", "--grafana-password-file")
		for _, d := range []*daemon{byToken, byUser} {
			d.inSync(1) // Grafana runs these files already, and shows everything about them
			d.Log.Has(t, warnsOfUser)
		}
		ds.Swap(datasource(9091))
		for _, d := range []*daemon{byToken, byUser} {
			s := d.Reaches("the reload is refused", func(s reload.Status) bool { return s.Failure != nil && s.Failure.Class == reload.ClassForbidden })
			d.notLive(t, s)
			if !strings.Contains(s.Failure.Hint, "only a Grafana server admin") || s.Running == s.Wanted {
				t.Errorf("%+v", s)
			}
		}
		if err := w.has("prom", at(9090)); err != nil {
			t.Error(err)
		}
		byToken.Stop()
		w.mayReload(t, id, true)
		byUser.inSync(2)
		byUser.live(t)
		warned := strings.Count(byUser.Log.String(), warnsOfUser)
		ds.Swap(datasource(9092))
		byUser.inSync(3)
		if strings.Count(byUser.Log.String(), warnsOfUser) != warned {
			t.Errorf("warned about a user who may reload: %s", byUser.Log)
		}
		if err := w.has("prom", at(9092)); err != nil {
			t.Error(err)
		}
	})
}

// A server admin with the role Viewer does not see what is in a folder that viewers may not open, and Grafana's lists do not say
// that they are incomplete. By such a list, nothing counts as live, missing or removed.
func TestUserWhoSeesAPart(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		json := filepath.Join(w.provisioning, "json")
		boards := w.mount("json", map[string]string{"a.json": `{"uid": "a", "title": "A"}`, "b.json": `{"uid": "b", "title": "B"}`})
		w.mount("dashboards", map[string]string{"p.yaml": "apiVersion: 1\nproviders: [{name: e2e, folder: Boards, updateIntervalSeconds: 3600, options: {path: " + json + "}}]\n"})
		w.call(t, http.MethodPost, "/api/admin/provisioning/dashboards/reload", "", nil)
		var folders []struct{ UID, Title string }
		w.call(t, http.MethodGet, "/api/folders", "", &folders)
		if len(folders) != 1 {
			t.Fatalf("folders %v", folders)
		}
		w.call(t, http.MethodPost, "/api/folders/"+folders[0].UID+"/permissions", `{"items": [{"role": "Editor", "permission": 2}]}`, nil)
		id := w.newUser(t, "half", true)
		d := w.as(t, "secret1", "--grafana-username", "half", "--grafana-password-file")
		seesPart := func(s reload.Status) bool {
			return s.Phase != reload.InSync && s.Failure != nil && s.Failure.Class == reload.ClassForbidden && strings.Contains(s.Failure.Message, "sees only a part of the dashboards in organization 1")
		}
		d.notLive(t, d.Reaches("reloader says that it sees only a part", seesPart))
		if w.fake != nil { // a stale mount: the dashboard that left the files is still there
			w.fake.SetFaults(grafanatest.Faults{Ignore: true})
		}
		boards.Swap(map[string]string{"a.json": `{"uid": "a", "title": "A"}`})
		d.notLive(t, d.Reaches("the change is not live", func(s reload.Status) bool { return s.Counts.Changes > 1 && seesPart(s) }))
		if w.fake != nil {
			w.fake.SetFaults(grafanatest.Faults{})
		}
		w.call(t, http.MethodPatch, fmt.Sprintf("/api/org/users/%d", id), `{"role": "Admin"}`, nil)
		d.inSync(2)
		d.live(t)
		if got := w.boards(t); got != "a A" {
			t.Errorf("called live with the dashboards %q", got)
		}
	})
}

// boards returns the uids and titles of all dashboards.
func (w *world) boards(t *testing.T) string {
	t.Helper()
	var found []struct{ UID, Title string }
	w.call(t, http.MethodGet, "/api/search?type=dash-db", "", &found)
	var out []string
	for _, f := range found {
		out = append(out, f.UID+" "+f.Title)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// provides mounts two directories of dashboards, and the providers that read them.
func (w *world) provides(providers string, one, two map[string]string) (set func(providers string), first, second *volume.Volume) {
	v1, v2 := w.mount("one", one), w.mount("two", two)
	text := func(providers string) map[string]string {
		return map[string]string{"p.yaml": strings.ReplaceAll(providers, "@DIR@", w.provisioning)}
	}
	p := w.mount("dashboards", text(providers))
	return func(providers string) { p.Swap(text(providers)) }, v1, v2
}

const twoProviders = `apiVersion: 1
providers:
  - {name: one, updateIntervalSeconds: 3600, options: {path: "@DIR@/one"}}
  - {name: two, updateIntervalSeconds: 3600, options: {path: "@DIR@/two"}}
`

// If files of two providers have the same uid, Grafana stores both and shows the last one. The other one is not live, whichever of
// the two was changed.
func TestOneUidInTwoProviders(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		board := func(uid, title string) map[string]string {
			return map[string]string{title + ".json": fmt.Sprintf(`{"uid": %q, "title": %q}`, uid, title)}
		}
		_, one, _ := w.provides(twoProviders, board("same", "A"), board("same", "B"))
		d := w.start()
		shadowed := func(s reload.Status) bool {
			return s.Phase == reload.Mismatch && len(s.Differences) == 1 && strings.Contains(s.Differences[0], `"same" is the one in provider/two/B.json, not the one in provider/one/`) && strings.Contains(s.Cause, "uid of its own")
		}
		d.notLive(t, d.Reaches("the file that is not shown is named", shadowed))
		one.Swap(board("same", "A2"))
		d.notLive(t, d.Reaches("after a change too", func(s reload.Status) bool { return s.Counts.Changes > 1 && shadowed(s) }))
		if got := w.boards(t); got != "same B" {
			t.Errorf("Grafana has %q", got)
		}
		one.Swap(board("other", "A2"))
		d.inSync(3)
		d.live(t)
		if got := w.boards(t); got != "other A2, same B" {
			t.Errorf("called live with %q", got)
		}
	})
}

// If two files have providers of the same name, each reload removes the dashboards of the first one. They are not live, and are
// named.
func TestTwoProvidersOfOneName(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.mount("one", map[string]string{"a.json": `{"uid": "a", "title": "A"}`})
		w.mount("two", map[string]string{"b.json": `{"uid": "b", "title": "B"}`})
		files := func(second string) map[string]string {
			entry := func(name, dir string) string {
				return "apiVersion: 1\nproviders: [{name: " + name + ", updateIntervalSeconds: 3600, options: {path: " + filepath.Join(w.provisioning, dir) + "}}]\n"
			}
			return map[string]string{"1.yaml": entry("same", "one"), "2.yaml": entry(second, "two")}
		}
		p := w.mount("dashboards", files("same"))
		d := w.start("--allow", "guard-provider-renamed", "--allow", "guard-dashboards-all-gone")
		d.notLive(t, d.Reaches("the dashboard that was removed is named", func(s reload.Status) bool {
			return s.Phase == reload.Mismatch && len(s.Differences) == 1 && strings.Contains(s.Differences[0], `"a"`) && strings.Contains(s.Cause, "same name")
		}))
		if got := w.boards(t); got != "b B" {
			t.Errorf("Grafana has %q", got)
		}
		p.Swap(files("other"))
		d.inSync(2)
		d.live(t)
		if got := w.boards(t); got != "a A, b B" {
			t.Errorf("called live with %q", got)
		}
	})
}

// When a provider is removed, Grafana deletes its dashboards, even with disableDeletion. A guard holds that change back. With the
// guard allowed, the change is live once they are deleted, and they return with the provider.
func TestProviderIsTakenOut(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		one := map[string]string{"a.json": `{"uid": "a", "title": "A"}`}
		two := map[string]string{"b.json": `{"uid": "b", "title": "B"}`}
		keeps := strings.ReplaceAll(twoProviders, "name: two,", "name: two, disableDeletion: true,")
		without := twoProviders[:strings.Index(twoProviders, "  - {name: two")]
		set, _, _ := w.provides(keeps, one, two)
		d := w.start()
		d.inSync(1)
		set(without)
		d.notLive(t, d.Reaches("it is held back", func(s reload.Status) bool { return s.Phase == reload.Rejected }))
		if got := w.boards(t); got != "a A, b B" {
			t.Errorf("held back, and Grafana has %q", got)
		}
		set(keeps)
		d.inSync(3)
		d.Stop()
		d = w.start("--allow", "guard-dashboards-all-gone")
		d.inSync(1)
		for i, providers := range []string{without, keeps, without, twoProviders} {
			set(providers)
			d.inSync(uint64(i) + 2)
			d.live(t)
			want := map[bool]string{true: "a A", false: "a A, b B"}[providers == without]
			if got := w.boards(t); got != want {
				t.Errorf("called live with %q, want %q", got, want)
			}
		}
	})
}
