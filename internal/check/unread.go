package check

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
	prometheusvalidator "reloader/internal/prometheus/validator"
	"reloader/internal/snapshot"
)

// maxUnread is how many are named: where there are more, the directory is something else.
const maxUnread = 20

// unreadRules reports rule files in the main file's directory that rule_files does not name: the server does not read them,
// and they were not judged.
func unreadRules(set *snapshot.Set, main config.Mount, expected any) []finding.Finding {
	e, ok := expected.(*proof.Expected)
	if !ok || e == nil || e.Agent {
		return nil
	}
	read := map[string]bool{}
	for _, r := range e.Rules {
		read[proof.Path(r.Path)] = true // as rule_files writes it: with ..data, or with /./
	}
	var all []finding.Finding
	dir := filepath.Dir(main.Path)
	for _, s := range set.Snapshots {
		if s.Source.Dir != dir {
			continue
		}
		isRead := func(f snapshot.File) bool { return read[proof.Path(path.Join(path.Dir(e.Main), f.Name))] }
		judged := map[snapshot.Digest]bool{} // also under another name: a link, or what it leads to
		for _, f := range s.Files {
			judged[f.Digest] = judged[f.Digest] || isRead(f)
		}
		for _, f := range s.Files {
			ext := path.Ext(f.Name)
			b, _ := s.Bytes(f.Name)
			if !slices.Contains([]string{".yml", ".yaml", ".rules"}, ext) || judged[f.Digest] || !ruleFile(b) {
				continue
			}
			example := f.Name // a pattern could match the main file too
			if strings.Contains(f.Name, "/") {
				example = path.Join(path.Dir(f.Name), "*"+ext)
			}
			all = append(all, finding.Finding{
				File: filepath.Join(dir, f.Name), Line: 1, Column: 1, Severity: finding.Info, Rule: prometheusvalidator.RuleUnreadFile,
				Message: "rule_files does not name this file: Prometheus does not read it, and it was not judged",
				Hint:    fmt.Sprintf("if that is not intended, add %q to rule_files", example),
			})
			if len(all) == maxUnread {
				return all
			}
		}
	}
	return all
}

// ruleFile says that contents are those of a rule file of Prometheus.
func ruleFile(b []byte) bool {
	keys := topLevelKeys(b)
	return keys["groups"] && !keys["apiVersion"] && ruleKey().Match(b) && exprKey().Match(b)
}
