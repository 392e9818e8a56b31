package kube

import (
	"strings"
	"testing"
	"time"
)

// LastWrite returns the newest write of the objects behind these directories: none of other directories, of a
// subresource, or from before the given time.
func TestLastWrite(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	p := &Propagation{}
	p.note(object{"configmaps", "prometheus-yml"}, []string{"/etc/prometheus"}, []managedField{
		{Manager: "kubectl-create", Time: now.Add(-time.Hour)}, {Manager: "argocd-controller", Time: now}, {Manager: "status", Time: now.Add(time.Hour), Subresource: "status"},
	})
	p.note(object{"configmaps", "rules"}, []string{"/etc/rules/team-a"}, []managedField{{Manager: "flux", Time: now.Add(time.Second)}})
	p.note(object{"configmaps", "without"}, []string{"/etc/prometheus"}, nil)
	for _, c := range []struct {
		dirs  []string
		since time.Time
		want  string
	}{
		{[]string{"/etc/prometheus"}, now.Add(-time.Minute), "configmaps/prometheus-yml argocd-controller"},
		{[]string{"/etc/prometheus", "/etc/rules"}, now.Add(-time.Minute), "configmaps/rules flux"},
		{[]string{"/etc/rules/team-a/deep"}, now.Add(-time.Minute), "configmaps/rules flux"},
		{[]string{"/etc/prometheus"}, now.Add(time.Minute), ""},
		{[]string{"/etc/prom"}, now.Add(-time.Minute), ""},
		{nil, time.Time{}, ""},
	} {
		text := ""
		if got := p.LastWrite(c.dirs, c.since); got != nil {
			text = got.Object + " " + got.Manager
		}
		if text != c.want {
			t.Errorf("%v since %s: %q, want %q", c.dirs, c.since, text, c.want)
		}
	}
}

// The version and the last writer are read from a watch in the form that the API sends.
func TestWatchHasTheWriter(t *testing.T) {
	t.Parallel()
	const line = `{"type":"MODIFIED","object":{"kind":"PartialObjectMetadata","metadata":{"name":"a","resourceVersion":"7","managedFields":[` +
		`{"manager":"kubectl-client-side-apply","operation":"Update","apiVersion":"v1","time":"2026-11-28T10:42:07Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{}}}]}}}`
	var got version
	if err := readWatch(strings.NewReader(line), func(v version) { got = v }); err == nil {
		t.Error("the watch ended without an error")
	}
	if last := lastWrite(got.ManagedFields); got.ResourceVersion != "7" || last.Manager != "kubectl-client-side-apply" || last.Time.Second() != 7 {
		t.Errorf("%+v", got)
	}
}
