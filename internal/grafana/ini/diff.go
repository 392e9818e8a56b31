package ini

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/grafana"
)

// ItemKind is what outlines call a key of grafana.ini.
const ItemKind = "ini key"

// Outline names every key that the file sets, with a fingerprint of its value.
func Outline(data []byte) []finding.Item {
	doc := parse(data)
	var items []finding.Item
	for name, value := range written(doc) {
		items = append(items, finding.Item{Kind: ItemKind, Name: name, Fingerprint: finding.Fingerprint(value)})
	}
	slices.SortFunc(items, func(a, b finding.Item) int { return strings.Compare(a.Name, b.Name) })
	return items
}

// written are the values by full name. Names that must not be shown share one entry, which
// changes when any of them does.
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

// fullName is section.key as Grafana's command line takes it; empty when it must not be shown.
func fullName(section, key string) string {
	if shown(key) == unnamed || shown(section) == unnamed {
		return ""
	}
	if section == defaultSection {
		return key
	}
	return section + "." + key
}

// redacted is how Grafana's settings API shows every secret.
const redacted = "*********"

// Expectation is what a file makes of a server's settings, as fingerprints: it can be kept for
// as long as the server runs without keeping a value.
type Expectation struct {
	keys map[[2]string]expected
}

// expected is what the settings API may show for one key.
type expected struct {
	prints []uint64
	// parent is the section that shows the key when its own does not.
	parent string
}

type wireKey struct {
	Section, Key string
	Prints       []uint64
	Parent       string `json:",omitempty"`
}

// MarshalJSON implements json.Marshaler: an expectation may be made in another process.
func (e *Expectation) MarshalJSON() ([]byte, error) {
	list := make([]wireKey, 0, len(e.keys))
	for id, x := range e.keys {
		list = append(list, wireKey{id[0], id[1], x.prints, x.parent})
	}
	return json.Marshal(list)
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Expectation) UnmarshalJSON(b []byte) error {
	var list []wireKey
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	e.keys = make(map[[2]string]expected, len(list))
	for _, k := range list {
		e.keys[[2]string{k.Section, k.Key}] = expected{prints: k.Prints, parent: k.Parent}
	}
	return nil
}

// Expect reads what the server must show once it has read the file. Without the same environment a
// value that uses a variable or a file is not expected: it cannot be known.
func Expect(data []byte, opts Options) *Expectation {
	known := loadKnown(with13(opts.Version))
	e := &Expectation{keys: map[[2]string]expected{}}
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
			x := expected{prints: []uint64{finding.Fingerprint(v.text), finding.Fingerprint(maskURLs(v.text))}}
			if _, own := known.key(section, key); !own {
				x.parent = known.inherited(section, key)
			}
			e.keys[[2]string{section, key}] = x
		}
	}
	return e
}

// Waiting names the keys whose value is not what the running server reports at GET
// /api/admin/settings, sorted: these wait for a restart. Secrets are masked there and cannot be
// told. A key that only a GF_ variable of the server overrides is named although no restart
// changes it: compare with what Waiting said right after the server's start.
func (e *Expectation) Waiting(running map[string]map[string]string) []string {
	var names []string
	for id, x := range e.keys {
		was, ok := running[id[0]][id[1]]
		if !ok && x.parent != "" {
			was, ok = running[x.parent][id[1]]
		}
		if was == redacted || ok && slices.Contains(x.prints, finding.Fingerprint(was)) {
			continue
		}
		name := fullName(id[0], id[1])
		if name == "" {
			name = unnamed
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unusable reports a value that Grafana replaces by the default when it reads the key, so that
// the settings API shows the default although the file was read.
func unusable(known knownNames, set settings, section, key, text string) bool {
	k, ok := known.key(section, key)
	resolved, can := set.resolve(section, text)
	if !ok || !can {
		return false
	}
	switch k.kind {
	case kindBool:
		_, ok = parseBool(resolved)
	case kindInt:
		_, ok = parseInt(resolved)
	case kindDuration:
		_, err := time.ParseDuration(resolved)
		ok = err == nil
	}
	return !ok || text == ""
}

// maskURLs is a value as the settings API writes it: a list of URLs, with their passwords masked.
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
