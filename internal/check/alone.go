package check

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	grafanavalidator "reloader/internal/grafana/validator"
	"reloader/internal/inputs"
	prometheusvalidator "reloader/internal/prometheus/validator"
	"reloader/internal/snapshot"
	"reloader/internal/sources"
)

// alone judges files of one kind without the server or main file that would read them.
type alone struct {
	Options
	// dir is the absolute directory of the files; it may not exist.
	dir  string
	kind FileKind
	role string
	// all means that the caller decides which findings are ignored.
	all bool
}

// judge returns the findings about files, by their names in the directory, and how many are ignored.
func (a alone) judge(ctx context.Context, files map[string][]byte) (found []finding.Finding, ignored int, err error) {
	contents := maps.Clone(files)
	req := finding.Request{Facts: a.Grafana, Allow: a.Allow, Offline: true}
	v := inputs.NewGrafanaValidator(a.Config)
	if a.all { // a manifest can have thousands of files: a process for each would take most of the time
		v = grafanavalidator.New(validation.Options{})
	}
	names := slices.Sorted(maps.Keys(files))
	switch a.kind {
	case KindRules:
		const main = ".reloader-check.yml"
		contents[main] = ruleFiles(names)
		v = a.prometheus(main)
		req.Facts, req.Set = a.Prometheus, a.set("config", contents)
	case KindPrometheus:
		v = a.prometheus(names[0])
		req.Facts, req.Set = a.Prometheus, a.set("config", contents)
	case KindDashboard:
		provider := fmt.Appendf(nil, "apiVersion: 1\nproviders:\n- name: check\n  type: file\n  updateIntervalSeconds: 60\n  options: {path: %q}\n", a.dir)
		req.Set = snapshot.NewSet(
			snapshot.FromFiles(snapshot.Source{Name: grafana.Dashboards, Dir: filepath.Join(a.dir, ".reloader-check")}, map[string][]byte{"check.yaml": provider}),
			snapshot.FromFiles(snapshot.Source{Name: "json", Dir: a.dir}, contents))
	case KindIni:
		req.Set = a.set(grafana.Ini, contents)
	default:
		req.Set = a.set(a.role, contents)
	}
	if v = finding.Guarded(v); !a.all {
		v = finding.Ignoring(v, inputs.Ignored(a.Ignore))
	}
	res, err := finding.Bounded(v).Validate(ctx, req)
	if err != nil {
		return nil, 0, err
	}
	// Findings about files that were made up or do not exist do not help the user.
	return slices.DeleteFunc(res.Findings, func(f finding.Finding) bool {
		return f.Severity != finding.Error && !slices.Contains(names, filepath.Base(f.File))
	}), res.Ignored, nil
}

func (a alone) set(name string, files map[string][]byte) *snapshot.Set {
	return snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: name, Dir: a.dir}, files))
}

func (a alone) prometheus(main string) finding.Validator {
	return prometheusvalidator.New(prometheusvalidator.Options{Main: filepath.Join(a.dir, main), Program: a.Config.Promcheck, External: a.Validator})
}

// ruleFiles is a main file that names these rule files and nothing else.
func ruleFiles(names []string) []byte {
	var b strings.Builder
	b.WriteString("rule_files:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "- %q\n", sources.Literal(name))
	}
	return []byte(b.String())
}
