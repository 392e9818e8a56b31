package validator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

var (
	ruleDSStays     = newRule("datasource-removed-stays")
	ruleDSPruned    = newRule("datasource-pruned")
	ruleDSKept      = newRule("datasource-value-kept")
	guardDSPruneAll = newRule("guard-datasource-prune-all")
	guardDSVersion  = newRule("guard-datasource-version")
	maxPerRuleItems = 20
)

// guardDatasources compares with what runs: what is valid and still not what anybody wants.
func (p *validation) guardDatasources(s *snapshot.Snapshot, files []*dsFile) {
	before := p.before(itemDatasource)
	if len(before) == 0 {
		return
	}
	here := place{path: RoleDatasources}
	if s != nil {
		here.path = s.Source.UserPath("")
	}
	now := map[dsKey]*dsEntry{}
	deleted := map[dsKey]bool{}
	for _, f := range files {
		for _, d := range f.deletes {
			deleted[dsKey{d.org, label(d.name)}] = true
		}
		for _, e := range f.entries {
			now[dsKey{e.org, label(e.name)}] = e
		}
	}
	var stay, pruned []finding.Item
	for _, old := range before {
		key := itemKey(old)
		e := now[key]
		switch {
		case e != nil:
			p.guardEntry(old, e)
		case deleted[key]:
		case old.Attrs["prune"] == "true" && p.version.AtLeast(v11):
			pruned = append(pruned, old)
		default:
			stay = append(stay, old)
		}
	}
	p.reportStaying(here, s, stay)
	p.reportPruned(here, before, pruned)
}

func itemKey(i finding.Item) dsKey {
	id, _ := strconv.ParseInt(i.Attrs["org"], 10, 64)
	return dsKey{id, i.Attrs["name"]}
}

func (p *validation) reportStaying(here place, s *snapshot.Snapshot, stay []finding.Item) {
	for n, old := range stay {
		if n == maxPerRuleItems {
			p.warnf(here, ruleDSStays, "", "%d more data sources were removed from the files but stay in Grafana", len(stay)-n)
			return
		}
		at := here
		if name := old.Attrs["file"]; s != nil && name != "" {
			if _, there := s.File(name); there {
				at = place{path: s.Source.UserPath(name), line: 1, column: 1}
			}
		}
		hint := "to delete it, add\n" + deleteBlock(itemKey(old).name, itemKey(old).org)
		if p.version.AtLeast(v11) {
			hint += "\n(or write 'prune: true' at the top level of the files, before entries are removed)"
		}
		p.warnf(at, ruleDSStays, hint, "the data source %q was removed from the files but stays in Grafana", old.Name)
	}
}

func (p *validation) reportPruned(here place, before, pruned []finding.Item) {
	if len(pruned) == 0 {
		return
	}
	if len(pruned) == len(before) {
		p.guard(here, guardDSPruneAll, "look for an emptied file or a misspelled 'datasources' key", "all %d data sources were provisioned with prune and are no longer in any file: Grafana would delete them", len(pruned))
		return
	}
	names := make([]string, 0, len(pruned))
	for _, i := range pruned {
		names = append(names, strconv.Quote(i.Name))
		if len(names) == maxPerRuleItems {
			names = append(names, fmt.Sprintf("and %d more", len(pruned)-len(names)))
			break
		}
	}
	p.infof(here, ruleDSPruned, "", "prune deletes what was removed from the files: %s", strings.Join(names, ", "))
}

// guardEntry compares an entry with what it was.
func (p *validation) guardEntry(old finding.Item, e *dsEntry) {
	if v := old.Attrs["version"]; v != "" && e.version.Known && strconv.FormatInt(e.version.Value, 10) == v &&
		old.Fingerprint != fingerprintMap(e.node) && p.version.AtLeast(v10) {
		p.guard(e.file.at(e.node.Key("version")), guardDSVersion, "remove the version key, or raise the number", "this data source changed under the same version %s: Grafana skips the change silently", v)
	}
	if old.Attrs["url"] == "set" && (!e.url.Set || e.url.Empty()) {
		p.warnf(e.at, ruleDSKept, "write the new url, or delete the data source first:\n"+deleteBlock(label(e.name), e.org), "the url was removed: Grafana keeps the old one")
	}
	if old.Attrs["basicAuthUser"] == "set" && (!e.authUser.Set || e.authUser.Empty()) {
		p.warnf(e.at, ruleDSKept, "write the new value, or delete the data source first:\n"+deleteBlock(label(e.name), e.org), "basicAuthUser was removed: Grafana keeps the old one")
	}
	p.guardSecureKeys(old, e)
}

// guardSecureKeys: Grafana 10 and later remove dropped keys, 9 keeps them, and earlier ones keep
// all of them only when the whole map is gone.
func (p *validation) guardSecureKeys(old finding.Item, e *dsEntry) {
	if p.version.AtLeast(v10) || p.version.Before(v9) && len(e.secureKeys) > 0 || old.Attrs["secureKeys"] == "" {
		return
	}
	for k := range strings.SplitSeq(old.Attrs["secureKeys"], ",") {
		if !slices.Contains(e.secureKeys, k) {
			p.warnf(e.at, ruleDSKept, "write the key with a new value, or delete the data source first:\n"+deleteBlock(label(e.name), e.org), "secureJsonData.%s was removed: Grafana keeps the old secret", k)
		}
	}
}
