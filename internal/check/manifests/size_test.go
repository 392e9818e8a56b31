package manifests

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/manifest"
	"reloader/test/rig"
)

// counting reads every key as a file of one kind, and counts how often files of that kind are judged.
func counting(kind string, calls *int) Options {
	return Options{
		Kind: func(string, []byte) string { return kind },
		Alone: func(_ context.Context, _ string, files map[string][]byte) ([]finding.Finding, error) {
			*calls++
			var list []finding.Finding
			for name := range files {
				list = append(list, finding.Finding{File: name, Line: 1, Column: 1, Severity: finding.Warning, Message: "looked at"})
			}
			return list, nil
		},
	}
}

func read(text string) *manifest.Input {
	in := &manifest.Input{}
	in.Add("m.yaml", []byte(text))
	return in
}

// repeated is n copies of a document, each with its number in place of N.
func repeated(n int, document string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("---\n" + strings.ReplaceAll(document, "N", fmt.Sprint(i)))
	}
	return b.String()
}

// Equal files are judged once and all rule files in one call, yet each place gets its finding. If there are so many different
// main files that a run would take minutes, the rest is not judged, and that is reported.
func TestHowOftenJudged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kind, document string
		calls, findings      int
		limited              bool
	}{
		{"equal main files", KindPrometheus, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cN}\ndata: {prometheus.yml: 'global: {}'}\n", 1, 300, false},
		{"different main files", KindPrometheus, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cN}\ndata: {prometheus.yml: 'global: {N}'}\n", maxRuns, maxRuns, true},
		{"rules", KindRules, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cN}\ndata: {r.yml: 'groups: [N]'}\n", 1, 300, false},
		{"equal rules", KindRules, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cN}\ndata: {r.yml: 'groups: []'}\n", 1, 300, false},
		{"PrometheusRules", KindRules, "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: rN}\nspec: {groups: [{name: gN, rules: []}]}\n", 1, 300, false},
	} {
		calls := 0
		res := Check(t.Context(), counting(c.kind, &calls), read(repeated(300, c.document)))
		lines := map[int]bool{}
		for _, f := range res.Findings {
			if f.Message == "looked at" {
				lines[f.Line] = true
			}
		}
		if calls != c.calls || len(lines) != c.findings {
			t.Errorf("%s: judged %d times, want %d; %d places, want %d", c.name, calls, c.calls, len(lines), c.findings)
		}
		if limited := len(res.Unjudged) == 1 && strings.Contains(res.Unjudged[0].Error(), "not judged"); limited != c.limited || !limited && len(res.Unjudged) > 0 {
			t.Errorf("%s: %v", c.name, res.Unjudged)
		}
	}
}

// Each rule file is judged under a name of its own, even if ConfigMaps use the same keys or keys that look like such names.
func TestNamesOfRuleFiles(t *testing.T) {
	t.Parallel()
	text := ""
	for i, key := range []string{"r.yml", "2-r.yml", "r.yml", "4-2-r.yml", "2-r.yml"} {
		text += fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\ndata: {%s: 'groups: [%d]'}\n", i, key, i)
	}
	calls, found := 0, 0
	for _, f := range Check(t.Context(), counting(KindRules, &calls), read(text)).Findings {
		if f.Message == "looked at" {
			found++
		}
	}
	if calls != 1 || found != 5 {
		t.Errorf("%d of 5 files judged, in %d calls", found, calls)
	}
}

// Every run has the same output, in the same order.
func TestSameOutput(t *testing.T) {
	t.Parallel()
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: g\n    image: grafana/grafana:12.4.0\n    volumeMounts:\n" +
		"    - {name: p, mountPath: /etc/grafana/provisioning/dashboards}\n    - {name: d, mountPath: /d0}\n    - {name: d, mountPath: /d1}\n    - {name: d, mountPath: /d2}\n    - {name: d, mountPath: /other}\n" +
		"  - name: p\n    image: prom/prometheus:v3.16.0\n    args: [--storage.abcd.wal-compression-type=x]\n" +
		"  volumes:\n  - {name: p, configMap: {name: p}}\n  - {name: d, configMap: {name: d}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ndata: {x.json: '{}'}\n" +
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata:\n  a.yaml: 'providers: [{options: {path: /d0}}]'\n  b.yaml: 'providers: [{options: {path: /d1}}]'\n  c.yaml: 'providers: [{options: {path: /d2}}]'\n"
	calls, said := 0, map[string]bool{}
	for range 30 {
		res := Check(t.Context(), counting(KindDashboard, &calls), read(text))
		output := fmt.Sprint(res)
		for _, f := range res.Findings {
			output += f.Hint
		}
		said[output] = true
	}
	for s := range said {
		if len(said) > 1 || !strings.Contains(s, "the providers name /d0, /d1, /d2") || !strings.Contains(s, `"storage.agent.wal-compression-type" or "storage.tsdb.wal-compression-type"`) {
			t.Errorf("%d outputs; one is:\n%s", len(said), s)
		}
	}
}

// A check that would take too long, or too much memory, ends with an error that names the limit. A value that is too large for any object is
// an error and is not judged; the other values of the object are.
func TestLimits(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	var mounts, keys, patterns strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&mounts, "    - {name: c, mountPath: /etc/x/%d}\n", i)
		fmt.Fprintf(&keys, "  k%d.txt: x\n", i)
		fmt.Fprintf(&patterns, "    - /etc/*/%d*/*.yml\n", i)
	}
	pod := func(image string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: p\n    image: " + image + "\n    volumeMounts:\n    - {name: main, mountPath: /etc/prometheus}\n" + mounts.String() +
			"  volumes:\n  - {name: c, configMap: {name: c}}\n  - {name: main, configMap: {name: main}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"files":    {pod("grafana/grafana:12.4.0") + keys.String(), "more than 100000 files, or more than 256 MiB: Pod/p, container p"},
		"patterns": {pod("prom/prometheus:v3.16.0") + "  a.yml: 'groups: []'\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: main}\ndata:\n  prometheus.yml: |\n    rule_files:\n" + patterns.String(), "more than 20000000 comparisons"},
	} {
		calls := 0
		res := Check(t.Context(), counting("", &calls), read(c.text))
		if !slices.ContainsFunc(res.Unjudged, func(err error) bool { return strings.Contains(err.Error(), c.want) }) {
			t.Errorf("%s: %v", name, res.Unjudged)
		}
	}
	large := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a.json: '" + strings.Repeat("x", maxObject+1) + "', b.json: x}\n"
	calls, said := 0, ""
	res := Check(t.Context(), counting(KindDashboard, &calls), read(large))
	for _, f := range res.Findings {
		said += f.Rule + " " + f.Message + "\n"
	}
	if calls != 1 || !strings.Contains(said, RuleTooLarge) || !strings.Contains(said, "not judged: key a.json of ConfigMap/c") || strings.Count(said, "looked at") != 1 {
		t.Errorf("judged %d times:\n%s", calls, said)
	}
}

// A file that is one long line may have any number of findings, each at its place. The time grows with the length of the line, not with its
// square: when each place was counted from the beginning of the line, this took more than half a minute.
func TestManyPlacesInOneLine(t *testing.T) {
	t.Parallel()
	const sources = 38_000 // almost 1 MiB, which is the limit
	var b strings.Builder
	for i := range sources {
		fmt.Fprintf(&b, `{"url": "http://s%d"},`, i)
	}
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {größe.yml: '{\"näme\": \"größe\", \"datasources\": [" + b.String() + "]}'}\n"
	calls := 0
	res := Check(t.Context(), counting(KindDatasources, &calls), read(text))
	line, found := []rune(strings.Split(text, "\n")[3]), 0
	for _, f := range res.Findings {
		if f.Rule != RuleNoService {
			continue
		}
		_, rest, _ := strings.Cut(f.Message, "the Service ")
		service, _, _ := strings.Cut(rest, ",")
		want := `"http://` + service + `"`
		if f.Line != 4 || f.Column < 1 || string(line[f.Column-1:][:len(want)]) != want {
			t.Fatalf("%d:%d: %s", f.Line, f.Column, f.Message)
		}
		found++
	}
	if found != sources {
		t.Errorf("%d findings for %d data sources", found, sources)
	}
}

// BenchmarkSizes shows for each way in which an input can be large that twice the size takes twice the time.
func BenchmarkSizes(b *testing.B) {
	lines := func(n int, line string) string {
		return strings.TrimPrefix(strings.ReplaceAll(repeated(n, line), "---\n", ""), "---\n")
	}
	pod := func(containers, volumes string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n" + containers + "  volumes:\n" + volumes
	}
	const grafana = "  - name: gN\n    image: grafana/grafana:12.4.0\n    volumeMounts:\n"
	configMap := func(keys string) string {
		return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n" + keys
	}
	const volume = "  - {name: c, configMap: {name: c}}\n"
	const prometheus = "  - name: p\n    image: prom/prometheus:v3.16.0\n    volumeMounts:\n"
	const main = "    - {name: main, mountPath: /etc/prometheus}\n"
	const mainVolume = "  - {name: main, configMap: {name: main}}\n"
	mainFile := func(patterns string) string {
		return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: main}\ndata:\n  prometheus.yml: |\n    rule_files:\n" + patterns
	}
	for name, text := range map[string]func(n int) string{
		"keys": func(n int) string { return configMap(lines(n, "  kN.txt: x\n")) },
		"documents": func(n int) string {
			return repeated(n/4, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cN}\ndata: {a.txt: x}\n")
		},
		"containers": func(n int) string {
			return pod(lines(n/5, grafana+"    - {name: c, mountPath: /etc/x}\n"), volume) + configMap("  a.txt: x\n")
		},
		"mounts": func(n int) string {
			return pod(grafana+lines(n, "    - {name: c, mountPath: /etc/xN}\n"), volume) + configMap("  a.txt: x\n")
		},
		"subPaths": func(n int) string {
			return pod(grafana+lines(n/2, "    - {name: c, mountPath: /etc/xN, subPath: kN}\n"), volume) + configMap(lines(n/2, "  kN: x\n"))
		},
		"volumes": func(n int) string {
			return pod(grafana+lines(n/2, "    - {name: cN, mountPath: /etc/xN}\n"), lines(n/2, "  - {name: cN, configMap: {name: cN}}\n"))
		},
		"Prometheus mounts": func(n int) string {
			return pod(prometheus+main+lines(n, "    - {name: c, mountPath: /etc/x/N}\n"), volume+mainVolume) + configMap("  a.yml: 'groups: []'\n  b.yml: 'groups: []'\n") + mainFile("    - /etc/x/*/a.yml\n")
		},
		"patterns": func(n int) string {
			return pod(prometheus+main+lines(n/3, "    - {name: c, mountPath: /etc/x/N}\n"), volume+mainVolume) + configMap("  a.yml: 'groups: []'\n") + mainFile(lines(n/3, "    - /etc/x/N/*.yml\n")+lines(n/3, "    - /etc/y/N/*.yml\n"))
		},
		"patterns that begin alike": func(n int) string {
			return pod(prometheus+main+lines(n/2, "    - {name: c, mountPath: /etc/x/N}\n"), volume+mainVolume) + configMap("  a.yml: 'groups: []'\n") + mainFile(lines(n/2, "    - /etc/*/N/*.yml\n"))
		},
		"keys times mounts": func(n int) string {
			return pod(grafana+lines(n/2, "    - {name: c, mountPath: /etc/xN}\n"), volume) + configMap(lines(n/2, "  kN: x\n"))
		},
		"items": func(n int) string {
			return pod(grafana+lines(n/3, "    - {name: cN, mountPath: /etc/xN}\n"), lines(n/3, "  - {name: cN, configMap: {name: c, items: [{key: kN, path: k}]}}\n")) + configMap(lines(n/3, "  kN: x\n"))
		},
		"items without keys": func(n int) string {
			return pod(grafana+"    - {name: c, mountPath: /etc/x}\n", "  - name: c\n    configMap:\n      name: c\n      items:\n"+lines(n/2, "      - {key: xN, path: xN}\n")) + configMap(lines(n/2, "  kN: x\n"))
		},
		"claims": func(n int) string {
			return "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s}\nspec:\n  template:\n    spec:\n      containers:\n      - name: g\n        image: grafana/grafana:12.4.0\n        volumeMounts:\n" +
				lines(n/2, "        - {name: vN, mountPath: /etc/xN}\n") + "  volumeClaimTemplates:\n" + lines(n/2, "  - metadata: {name: vN}\n")
		},
		"JSON in one line": func(n int) string {
			return `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {` + strings.ReplaceAll(lines(n, `"kN.txt": "text",`), "\n", "") + `"z.txt": "text"}}`
		},
		"aliases": func(n int) string { return configMap("  a0: &a x\n" + lines(n, "  kN.txt: *a\n")) },
		"lines":   func(n int) string { return configMap("  a.txt: |\n" + lines(n, "    line N\n")) },
	} {
		for _, n := range []int{10000, 20000} {
			src := text(n)
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				calls := 0
				for b.Loop() {
					o := counting("", &calls)
					Check(b.Context(), o, read(src))
				}
			})
		}
	}
}
