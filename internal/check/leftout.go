package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/paths"
)

// LeftOut are the directories below the given ones that hold files of Prometheus or Grafana and are not judged: of a
// directory only the files directly in it are, unless it is one that a server reads as a whole.
func LeftOut(given []string) []string {
	var all []string
	for _, p := range given {
		if found, err := Classify(p); err == nil && wholeDirectory(found) {
			continue
		}
		all = append(all, below(p, given, maxLeftOutDepth)...)
	}
	return all
}

// maxLeftOutDepth is how deep they are looked for: grafana/provisioning is two deep.
const maxLeftOutDepth = 2

func below(dir string, given []string, depth int) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // a file, or nothing that can be read
	}
	var all []string
	for _, e := range entries {
		sub := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "node_modules" || e.Name() == "vendor" || !isDir(sub) || slices.ContainsFunc(given, func(q string) bool { return paths.Inside(filepath.Clean(q), sub) }) {
			continue
		}
		if found, err := Classify(sub); err == nil && slices.ContainsFunc(found, telling) {
			all = append(all, sub)
		} else if depth > 1 {
			all = append(all, below(sub, given, depth-1)...)
		}
	}
	return all
}

// telling says that a file is surely one for Prometheus, Grafana or Kubernetes: many programs have .json and .ini files, and
// directories named plugins.
func telling(i Input) bool {
	switch i.Kind {
	case KindDashboard:
		return false
	case KindIni:
		return strings.Contains(filepath.Base(i.Path), "grafana")
	case KindProvisioning:
		return slices.ContainsFunc(grafana.Kinds, func(k grafana.Kind) bool {
			entries, _ := os.ReadDir(filepath.Join(i.Path, k.Name))
			return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return k.Reads(e.Name()) })
		})
	default:
		return true
	}
}

func wholeDirectory(found []Input) bool {
	return slices.ContainsFunc(found, func(i Input) bool { return i.Kind == KindPrometheus || i.Kind == KindProvisioning })
}
