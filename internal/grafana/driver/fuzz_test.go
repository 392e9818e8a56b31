package driver

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/grafana/validator"
	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// FuzzExpect: any bytes as any kind of file give an expectation without a panic, always the same one, and it survives the
// encoding between the processes.
func FuzzExpect(f *testing.F) {
	for _, text := range []string{
		oneDatasource, provider, contactPoint, `{"uid": "a", "title": "b", "panels": [{}]}`, "[users]\ndefault_theme = dark\n",
		"apiVersion: 1\ndatasources: &a [*a]\n", "{<<: ~, groups: [{rules: [~]}]}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<16 {
			t.Skip()
		}
		snap := func(name, file string, content []byte) *snapshot.Snapshot {
			return snapshot.FromFiles(snapshot.Source{Name: name, Dir: "/p/" + name}, map[string][]byte{file: content})
		}
		set := snapshot.NewSet(
			snap(grafana.Datasources, "a.yaml", content), snap(grafana.Alerting, "a.yaml", content), snap(grafana.Plugins, "a.yaml", content),
			snap(grafana.Dashboards, "p.yaml", content), snap("provider 1", "a.json", content), snap(grafana.Ini, "grafana.ini", content))
		for _, version := range []string{"8.5.0", "12.4.0"} {
			facts := finding.Facts{Version: version, SameEnv: true}
			one, two := expect(set, facts), expect(set, facts)
			if d := cmp.Diff(one.Datasources, two.Datasources, cmp.AllowUnexported(datasource{}, key{}, field{})); d != "" {
				t.Errorf("data sources differ between two readings:\n%s", d)
			}
			crossed(t, &Expected{Facts: factsOf(facts), Files: one})
			if d := cmp.Diff(one.Alerting, two.Alerting, cmp.AllowUnexported(object{}, field{})); d != "" {
				t.Errorf("alerting differs between two readings:\n%s", d)
			}
		}
	})
}

// crossed checks that an Expected is the same after it was encoded and decoded.
func crossed(t *testing.T, e *Expected) {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var got Expected
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(e, &got, cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("differs after decoding:\n%s", d)
	}
}

// FuzzAnswers: a server that answers every request with 200 and the same text never counts as proof of a data source that
// the text does not name.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"database": "ok", "version": "12.4.0"}`)
	f.Add(`[{"uid": "x", "name": "y", "url": "z"}]`)
	f.Add(`{"id": 1, "orgId": 1, "isGrafanaAdmin": true, "login": "admin", "database": "ok", "version": "9.4.0"}`)
	f.Add("null")
	f.Add("<html>")
	var body atomic.Pointer[string]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(*body.Load()))
	}))
	f.Cleanup(srv.Close)
	c, err := httpclient.New(httpclient.Options{URL: srv.URL, Username: "admin", Password: "admin"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.Close)
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: grafana.Datasources, Dir: "/p/datasources"}, map[string][]byte{"a.yaml": []byte(oneDatasource)}))
	f.Fuzz(func(t *testing.T, text string) {
		body.Store(&text)
		d := New(Options{Client: c, Validator: Expecting(validator.New(validation.Options{}))})
		seen, err := d.Observe(t.Context())
		if err != nil || !seen.Ready {
			return
		}
		p, err := d.Plan(t.Context(), reload.Change{New: set, Contents: true, Server: seen})
		if err != nil || finding.HasErrors(p.Findings) {
			return
		}
		if v, err := d.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: seen}); err == nil && strings.Contains(v.By, "datasource") && v.Proven && !strings.Contains(text, "rom") {
			t.Errorf("read back from %q: %+v", text, v)
		}
	})
}

// FuzzMetrics: whatever /metrics answers, the start is a possible time, and each count belongs to a route that the text names.
func FuzzMetrics(f *testing.F) {
	f.Add("process_start_time_seconds 1.7e9\ngrafana_http_request_duration_seconds_count{handler=\"/api/admin/provisioning/alerting/reload\",status_code=\"200\"} 4\n")
	f.Add("process_start_time_seconds NaN\n")
	f.Add("# HELP process_start_time_seconds x\nprocess_start_time_seconds -1")
	f.Fuzz(func(t *testing.T, text string) {
		start, reloads := readMetrics(bufio.NewReaderSize(strings.NewReader(text), 64))
		if !(start >= 0) || start == 0 && reloads != nil {
			t.Errorf("start %v, reloads %v", start, reloads)
		}
		for route := range reloads {
			if !strings.Contains(text, "/"+route+"/reload") {
				t.Errorf("route %q", route)
			}
		}
	})
}

// FuzzForms: any JSON compares as equal to itself in each form of alerting objects, and as different when the receiver changes.
func FuzzForms(f *testing.F) {
	f.Add([]byte(`{"receiver": "a", "group_wait": "30s", "object_matchers": [["a", "=", "b"]], "matchers": ["a=~\"b\"", "c"], "routes": [{"continue": true}]}`))
	f.Add([]byte(`{"time_intervals": [{"weekdays": ["Monday:friday"], "months": ["may:7"], "times": [{"start_time": "08:00"}]}], "match_re": {"a": 1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var m map[string]any
		if json.Unmarshal(text, &m) != nil {
			t.Skip()
		}
		m["time_intervals"] = intervalsForm(m["time_intervals"])
		for _, fields := range []map[string]any{policyFields(m), {"intervals": m["time_intervals"]}, queryForm("A", nil, nil, m, m)} {
			if different, _ := contentsOf(fields, false).compare(fields); len(different) > 0 {
				t.Errorf("%s differs from itself in %v", text, different)
			}
			if different, _ := contentsOf(fields, true).compare(fields); len(different) > 0 {
				t.Errorf("%s differs from itself in %v", text, different)
			}
		}
		other := policyFields(m)
		if _, ok := other["receiver"].(string); ok {
			other["receiver"] = "another one"
			if different, _ := contentsOf(policyFields(m), false).compare(other); m["receiver"] != "another one" && len(different) == 0 {
				t.Errorf("%s is the same with another receiver", text)
			}
		}
	})
}
