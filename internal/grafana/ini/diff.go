package ini

import (
	"cmp"
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/grafana"
)

// ItemKind is the kind of a key of grafana.ini in an outline.
const ItemKind = "ini key"

// Outline lists every key that the file sets, with a fingerprint of its value.
func Outline(data []byte) []finding.Item {
	doc := parse(data)
	var items []finding.Item
	for name, value := range written(doc) {
		items = append(items, finding.Item{Kind: ItemKind, Name: name, Fingerprint: finding.Fingerprint(value)})
	}
	sort.Slice(items, func(i, j int) bool { return items[i].Name < items[j].Name })
	return items
}

// written returns the values by full name. Names that must not be shown share one entry, which
// changes when any of their values does.
func written(doc document) map[string]string {
	last := map[[2]string]string{}
	for _, e := range doc.entries {
		last[[2]string{e.section, e.key}] = e.value
	}
	out := map[string]string{}
	var hidden []string
	for id, value := range last {
		if value == "" {
			continue
		}
		if name := fullName(id[0], id[1]); name != "" {
			out[name] = value
		} else {
			hidden = append(hidden, id[0]+"\x00"+id[1]+"\x00"+value)
		}
	}
	if len(hidden) > 0 {
		slices.Sort(hidden)
		out[unnamed] = strings.Join(hidden, "\x00")
	}
	return out
}

// fullName is section.key as on Grafana's command line; empty when it must not be shown.
func fullName(section, key string) string {
	if shown(key) == unnamed || shown(section) == unnamed {
		return ""
	}
	if section == defaultSection {
		return key
	}
	return section + "." + key
}

// redacted is what Grafana's settings API shows for every secret.
const redacted = "*********"

// Expectation is what the settings of a server must be once it has read a file. It has only fingerprints, so that no value
// is kept in memory for as long as the server runs. Another process can make it.
type Expectation struct {
	Keys []ExpectedKey
}

// ExpectedKey is what the settings API may show for one key.
type ExpectedKey struct {
	Section, Key string
	Prints       []uint64
	// Parent is the section that shows the key when its own does not.
	Parent string `json:",omitempty"`
}

// Expect returns what the server must show once it has read the file. It leaves out values that use a variable or a file
// unless reloader has the server's environment: they are unknown.
func Expect(data []byte, opts Options) *Expectation {
	known := loadKnown(with13(opts.Version))
	e := &Expectation{}
	set := newSettings(parse(data), opts)
	for section, keys := range set.keys {
		for key, v := range keys {
			if v.unknown || unusable(known, set, section, key, v.text) {
				continue
			}
			// Newer Grafanas overwrite app_mode with a boolean when they read it.
			if section == defaultSection && key == "app_mode" && grafana.ParseVersion(opts.Version).AtLeast(v10) {
				continue
			}
			x := ExpectedKey{Section: section, Key: key, Prints: []uint64{finding.Fingerprint(v.text), finding.Fingerprint(maskURLs(v.text))}}
			if _, own := known.key(section, key); !own {
				x.Parent = known.inherited(section, key)
			}
			e.Keys = append(e.Keys, x)
		}
	}
	return e
}

// Waiting returns the keys, sorted, whose value differs from what the running server reports at GET
// /api/admin/settings: these wait for a restart. Secrets are masked there and cannot be
// compared. A key that a GF_ variable of the server overrides is included, although no restart
// changes it: compare with what Waiting returned right after the server's start.
func (e *Expectation) Waiting(running map[string]map[string]string) []string {
	var names []string
	for _, x := range e.Keys {
		was, ok := running[x.Section][x.Key]
		if !ok && x.Parent != "" {
			was, ok = running[x.Parent][x.Key]
		}
		if was == redacted || ok && slices.Contains(x.Prints, finding.Fingerprint(was)) {
			continue
		}
		names = append(names, cmp.Or(fullName(x.Section, x.Key), unnamed))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unusable reports whether Grafana replaces a value with the default when it reads the key, so that
// the settings API shows the default although the file was read.
func unusable(known knownNames, set settings, section, key, text string) bool {
	k, ok := known.key(section, key)
	resolved, can := set.resolve(section, text)
	if !ok || !can {
		return false
	}
	switch k.kind {
	case kindBool:
		_, ok = ParseBool(resolved)
	case kindInt:
		_, ok = parseInt(resolved)
	case kindDuration:
		_, err := time.ParseDuration(resolved)
		ok = err == nil
	}
	return !ok || text == ""
}

// maskURLs returns a value as the settings API shows it: as a list of URLs with masked passwords.
func maskURLs(text string) string {
	items := splitList(text)
	for i, item := range items {
		bare := !strings.Contains(item, "://")
		if bare {
			item = "http://" + item
		}
		u, err := url.Parse(item)
		if err != nil {
			return text
		}
		masked := u.Redacted()
		if bare {
			masked = strings.Replace(masked, "http://", "", 1)
		}
		items[i] = masked
	}
	if strings.Contains(text, ",") {
		return strings.Join(items, ",")
	}
	return strings.Join(items, " ")
}
