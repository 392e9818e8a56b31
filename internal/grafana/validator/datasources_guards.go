package validator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

var (
	ruleDSStays     = validation.NewRule("datasource-removed-stays")
	ruleDSPruned    = validation.NewRule("datasource-pruned")
	ruleDSKept      = validation.NewRule("datasource-value-kept")
	guardDSPruneAll = validation.NewRule("guard-datasource-prune-all")
	guardDSVersion  = validation.NewRule("guard-datasource-version")
	maxPerRuleItems = 20
)

// guardDatasources compares the data sources with those that run, and reports valid changes that no one wants.
func guardDatasources(p *validation.Pass, s *snapshot.Snapshot, files []*dsFile) {
	before := p.Before(itemDatasource)
	if len(before) == 0 {
		return
	}
	here := validation.Place{Path: grafana.Datasources}
	if s != nil {
		here.Path = s.Source.UserPath("")
	}
	now := map[orgKey]*dsEntry{}
	deleted := map[orgKey]bool{}
	for _, f := range files {
		for _, d := range f.deletes {
			deleted[orgKey{d.org, validation.Label(d.name)}] = true
		}
		for _, e := range f.entries {
			now[orgKey{e.org, validation.Label(e.name)}] = e
		}
	}
	var stay, pruned []finding.Item
	for _, old := range before {
		key := itemKey(old)
		e := now[key]
		switch {
		case e != nil:
			guardEntry(p, old, e)
		case deleted[key]:
		case old.Attrs["prune"] == "true" && p.Version.AtLeast(validation.V11):
			pruned = append(pruned, old)
		default:
			stay = append(stay, old)
		}
	}
	reportStaying(p, here, s, stay)
	reportPruned(p, here, before, pruned)
}

func itemKey(i finding.Item) orgKey {
	id, _ := strconv.ParseInt(i.Attrs["org"], 10, 64)
	return orgKey{id, i.Attrs["name"]}
}

// fileOf is the place of the file that an item came from, if the file still exists.
func fileOf(i finding.Item, s *snapshot.Snapshot, otherwise validation.Place) validation.Place {
	if name := i.Attrs["file"]; s != nil && name != "" {
		if _, there := s.File(name); there {
			return validation.Place{Path: s.Source.UserPath(name), Line: 1, Column: 1}
		}
	}
	return otherwise
}

func reportStaying(p *validation.Pass, here validation.Place, s *snapshot.Snapshot, stay []finding.Item) {
	for n, old := range stay {
		if n == maxPerRuleItems {
			p.Warnf(here, ruleDSStays, "", "%d more data sources were removed from the files but stay in Grafana", len(stay)-n)
			return
		}
		hint := "to delete it, add\n" + deleteBlock(itemKey(old).name, itemKey(old).org)
		if p.Version.AtLeast(validation.V11) {
			hint += "\n(or write 'prune: true' at the top level of the files, before entries are removed)"
		}
		p.Warnf(fileOf(old, s, here), ruleDSStays, hint, "the data source %q was removed from the files but stays in Grafana", old.Name)
	}
}

func reportPruned(p *validation.Pass, here validation.Place, before, pruned []finding.Item) {
	if len(pruned) == 0 {
		return
	}
	if len(pruned) == len(before) {
		p.Guard(here, guardDSPruneAll, "look for an emptied file or a misspelled 'datasources' key", "all %d data sources were provisioned with prune and are no longer in any file: Grafana would delete them", len(pruned))
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
	p.Infof(here, ruleDSPruned, "", "prune deletes what was removed from the files: %s", strings.Join(names, ", "))
}

// guardEntry compares an entry with its running version.
func guardEntry(p *validation.Pass, old finding.Item, e *dsEntry) {
	if v := old.Attrs["version"]; v != "" && e.version.Known && strconv.FormatInt(e.version.Value, 10) == v &&
		old.Fingerprint != validation.FingerprintMap(e.node) && p.Version.AtLeast(validation.V10) {
		p.Guard(e.file.At(e.node.Key("version")), guardDSVersion, "remove the version key, or raise the number", "this data source changed under the same version %s: Grafana skips the change silently", v)
	}
	first := ", or delete the data source first:\n" + deleteBlock(validation.Label(e.name), e.org)
	if old.Attrs["url"] == "set" && presence(e.url) == "" {
		p.Warnf(e.at, ruleDSKept, "write the new url"+first, "the url was removed: Grafana keeps the old one")
	}
	if old.Attrs["basicAuthUser"] == "set" && presence(e.authUser) == "" {
		p.Warnf(e.at, ruleDSKept, "write the new value"+first, "basicAuthUser was removed: Grafana keeps the old one")
	}
	guardSecureKeys(p, old, e)
}

// guardSecureKeys reports secrets that stay after their keys were removed: Grafana 10 and later delete them, 9 keeps
// them, and earlier versions keep them only when the whole map was removed.
func guardSecureKeys(p *validation.Pass, old finding.Item, e *dsEntry) {
	if p.Version.AtLeast(validation.V10) || p.Version.Before(validation.V9) && len(e.secureKeys) > 0 || old.Attrs["secureKeys"] == "" {
		return
	}
	for k := range strings.SplitSeq(old.Attrs["secureKeys"], ",") {
		if !slices.Contains(e.secureKeys, k) {
			p.Warnf(e.at, ruleDSKept, "write the key with a new value, or delete the data source first:\n"+deleteBlock(validation.Label(e.name), e.org), "secureJsonData.%s was removed: Grafana keeps the old secret", k)
		}
	}
}
