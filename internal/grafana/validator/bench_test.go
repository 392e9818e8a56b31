package validator

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// largeSet is 1,000 data sources in 10 files and 1,000 dashboards of 20 panels.
func largeSet() *snapshot.Set {
	ds := map[string][]byte{}
	for f := range 10 {
		var b strings.Builder
		b.WriteString("apiVersion: 1\ndatasources:\n")
		for i := range 100 {
			n := f*100 + i
			fmt.Fprintf(&b, "  - name: ds-%d\n    type: prometheus\n    access: proxy\n    uid: ds-%d\n    url: http://prometheus-%d:9090\n    jsonData: {httpMethod: POST, timeInterval: 15s}\n    secureJsonData: {httpHeaderValue1: \"Bearer ${TOKEN}\"}\n", n, n, n)
		}
		ds[fmt.Sprintf("ds-%d.yaml", f)] = []byte(b.String())
	}
	const panel = `{"datasource":{"type":"prometheus","uid":"ds-1"},"fieldConfig":{"defaults":{"color":{"mode":"palette-classic"},"custom":{"axisLabel":"","drawStyle":"line","fillOpacity":10,"lineWidth":1},"unit":"reqps"},"overrides":[]},"gridPos":{"h":8,"w":12,"x":0,"y":0},"id":%d,"options":{"legend":{"displayMode":"list","placement":"bottom"},"tooltip":{"mode":"single"}},"targets":[{"expr":"sum(rate(http_requests_total{job=\"api\",code=~\"5..\"}[$__rate_interval])) by (handler)","legendFormat":"{{handler}}","refId":"A"}],"title":"Panel %d","type":"timeseries"}`
	var panels []string
	for i := range 20 {
		panels = append(panels, fmt.Sprintf(panel, i, i))
	}
	boards := map[string][]byte{}
	for i := range 1000 {
		boards[fmt.Sprintf("team-%d/d-%d.json", i%10, i)] = fmt.Appendf(nil, `{"annotations":{"list":[]},"editable":true,"panels":[%s],"refresh":"30s","schemaVersion":39,"tags":["a"],"templating":{"list":[]},"time":{"from":"now-1h","to":"now"},"title":"Dashboard %d","uid":"d-%d","version":1}`, strings.Join(panels, ","), i, i)
	}
	provider := map[string][]byte{"p.yaml": []byte("apiVersion: 1\nproviders:\n  - {name: main, updateIntervalSeconds: 30, options: {path: /var/lib/grafana/dashboards, foldersFromFilesStructure: true}}\n")}
	return snapshot.NewSet(
		snapshot.FromFiles(snapshot.Source{Name: grafana.Datasources, Dir: "/p/datasources"}, ds),
		snapshot.FromFiles(snapshot.Source{Name: grafana.Dashboards, Dir: "/p/dashboards"}, provider),
		snapshot.FromFiles(snapshot.Source{Name: "dashboards-main", Dir: "/var/lib/grafana/dashboards"}, boards),
	)
}

// BenchmarkValidate judges 1,000 data sources and 1,000 dashboards, with guards that compare them with the same files.
func BenchmarkValidate(b *testing.B) {
	set := largeSet()
	v := New(validation.Options{})
	first, err := v.Validate(b.Context(), finding.Request{Set: set})
	if err != nil || first.Invalid() {
		b.Fatal(err, listed(first.Findings))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Validate(b.Context(), finding.Request{Set: set, Running: first.Outline}); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-heap-after")
	b.ReportMetric(float64(set.Len()), "files")
	runtime.KeepAlive(set)
}
