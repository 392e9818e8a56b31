package gate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/history"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// After many changes, the history lists what the script did, in order, although reloader is killed in between. A secret in
// the files is shown nowhere.
func TestHistoryOfADay(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-in-the-files"
	w := newWorld(t, generation(0))
	w.start()
	w.prometheus.Ready()
	w.reaches(reload.InSync)
	want := []string{"live"}
	refused := func(n int) map[string]string {
		files := generation(n)
		// The server alone can see that this file is missing: it applies the rest and answers 500.
		return with(files, "prometheus.yml", files["prometheus.yml"]+
			"remote_write:\n- url: http://127.0.0.1:1/\n  basic_auth: {username: u, password: "+secret+"}\n  tls_config: {ca_file: /elsewhere/ca.pem}\n")
	}
	for n := 1; n <= 20; n++ {
		switch {
		case n%4 == 0:
			w.volume.Swap(bad(n, n/4%badKinds))
			w.reaches(reload.Rejected)
			want = append(want, "rejected")
		case n == 9:
			w.volume.Swap(refused(n))
			w.reaches(reload.RolledBack)
			want = append(want, "rolled back")
		default:
			w.volume.Swap(generation(n))
			w.reaches(reload.InSync)
			want = append(want, "live")
		}
		switch n {
		case 6:
			w.prometheus.Kill()
			w.prometheus.Start()
			w.prometheus.Ready()
			rig.Until(t, "the restart is noticed", func() bool {
				s, err := w.reloader.Status()
				return err == nil && s.Phase == reload.InSync && strings.Contains(fmt.Sprint(outcomes(w)), "restarted")
			})
			want = append(want, "restarted")
		case 13:
			rig.Until(t, "the history is kept", func() bool {
				kept, _ := os.ReadFile(filepath.Join(w.gate, "..reloader", "history"))
				return strings.Count(string(kept), `"outcome":"live"`) >= strings.Count(fmt.Sprint(want), "live")
			})
			w.reloader.Kill()
			w.reloader.Start()
			w.reaches(reload.InSync)
		}
	}
	if got := outcomes(w); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the history lists\n%v\nthe script did\n%v", got, want)
	}
	list := entries(w)
	if len(list) != len(want) {
		t.Errorf("%d entries, want %d", len(list), len(want))
	}
	for i, e := range list {
		switch e.Outcome {
		case history.Live:
			if e.Live.IsZero() || e.Took <= 0 || e.Live.Before(e.Seen) || i > 0 && len(e.Changes) == 0 {
				t.Errorf("entry %d is live, and its times or changes are missing: %+v", i, e)
			}
		case history.Rejected:
			if e.Errors == 0 || len(e.Findings) == 0 || !e.Live.IsZero() {
				t.Errorf("entry %d is rejected, and its errors are missing, or it has been live: %+v", i, e)
			}
		case history.RolledBack:
			if !strings.Contains(e.Reason, "500") || !strings.Contains(e.Answer, "applying the new configuration") {
				t.Errorf("entry %d lacks the server's answer: %+v", i, e)
			}
		default:
		}
	}
	for _, path := range []string{"/", "/api/v1/history", "/api/v1/status"} {
		body, err := rig.Get(t, w.reloader.URL+path)
		if err != nil || strings.Contains(body, secret) {
			t.Errorf("%s: %v, or the secret is shown", path, err)
		}
	}
	o := rig.Command(t, "history", "--url", w.reloader.URL, "--last", "0")
	if o.Code != 0 || strings.Count(o.Stdout, "  live  ") != strings.Count(fmt.Sprint(want), "live") || strings.Contains(o.Stdout, secret) {
		t.Errorf("reloader history: %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
}

// entries are the history of the one target, oldest first.
func entries(w *world) []history.Entry {
	w.t.Helper()
	var report history.Report
	body, err := rig.Get(w.t, w.reloader.URL+"/api/v1/history")
	rig.Must(w.t, err)
	rig.Must(w.t, json.Unmarshal([]byte(body), &report))
	if len(report.Targets) != 1 {
		w.t.Fatalf("%d targets", len(report.Targets))
	}
	list := report.Targets[0].Entries
	slices.Reverse(list)
	return list
}

func outcomes(w *world) []string {
	var all []string
	for _, e := range entries(w) {
		all = append(all, string(e.Outcome))
	}
	return all
}
