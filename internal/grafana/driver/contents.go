package driver

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
)

// contents are the fields of an object as fingerprints. They contain no values of a file; the names of fields may be
// shown.
type contents []field

type field struct {
	Name string `json:"n"`
	Sum  uint64 `json:"s,omitempty"`
	// Leaves are the fingerprints of the single values by path. They are kept if a value depends on Grafana's
	// environment, or if Grafana may redact one; nil: the field is compared as a whole.
	Leaves map[string]uint64 `json:"l"`
}

const (
	// notKnown is the fingerprint of a value that the files do not contain, or that Grafana does not show.
	notKnown uint64 = 0
	// redacted is what Grafana shows instead of a secret.
	redacted = "[REDACTED]"
)

// contentsOf fingerprints the fields of an object; empty values count as missing. If hides is true, each value is
// fingerprinted on its own, because Grafana redacts some of them.
func contentsOf(fields map[string]any, hides bool) contents {
	out := make(contents, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v := normal(fields[name])
		if v == nil {
			continue
		}
		f := field{Name: name}
		if hides || !certain(v) {
			f.Leaves = map[string]uint64{}
			addLeaves(f.Leaves, "", v)
		} else {
			f.Sum = fingerprintJSON(v)
		}
		out = append(out, f)
	}
	return out
}

// compare names the fields that differ from what Grafana shows. hidden says that some value could not be compared.
func (c contents) compare(shown map[string]any) (different []string, hidden bool) {
	shown = c.recased(shown)
	known := map[string]bool{}
	for _, f := range c {
		known[f.Name] = true
		v := normal(shown[f.Name])
		if f.Leaves == nil && !hides(v) {
			if v == nil || fingerprintJSON(v) != f.Sum {
				different = append(different, f.Name)
			}
			continue
		}
		if f.Leaves == nil {
			hidden = true // only a fingerprint of the whole field was kept
			continue
		}
		have := map[string]uint64{}
		if v != nil {
			addLeaves(have, "", v)
		}
		same, h := sameLeaves(f.Leaves, have)
		hidden = hidden || h
		if !same {
			different = append(different, f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		if !known[name] && normal(shown[name]) != nil {
			different = append(different, name)
		}
	}
	return different, hidden
}

// sameLeaves compares two sets of values. A value that is not known on one side matches any value on the other.
func sameLeaves(want, have map[string]uint64) (same, hidden bool) {
	for path, sum := range want {
		got, ok := have[path]
		switch {
		case sum == notKnown:
			hidden = true
		case ok && got == notKnown:
			hidden = true
		case !ok || got != sum:
			return false, hidden
		}
	}
	for path := range have {
		if _, ok := want[path]; !ok && !belowUnknown(want, path) {
			return false, hidden
		}
	}
	return true, hidden
}

// belowUnknown says whether a value above this path is not known.
func belowUnknown(set map[string]uint64, path string) bool {
	for {
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			return false
		}
		path = path[:i]
		if sum, ok := set[path]; ok && sum == notKnown {
			return true
		}
	}
}

func addLeaves(out map[string]uint64, path string, v any) {
	switch v := v.(type) {
	case nil: // as if it were not there
	case provisioning.Unknown:
		out[path] = notKnown
	case map[string]any:
		for key, item := range v {
			addLeaves(out, path+"/"+key, item)
		}
	case []any:
		for i, item := range v {
			addLeaves(out, path+"/"+strconv.Itoa(i), item)
		}
	default:
		if v == redacted {
			out[path] = notKnown
			return
		}
		out[path] = max(fingerprintJSON(v), 1)
	}
}

// within says whether any single value inside v satisfies asked.
func within(v any, asked func(any) bool) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			if within(item, asked) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return within(item, asked) })
	}
	return asked(v)
}

// hides says whether Grafana redacts any part of a value.
func hides(v any) bool { return within(v, func(v any) bool { return v == redacted }) }

// certain says that no part of a value depends on Grafana's environment.
func certain(v any) bool { return !within(v, func(v any) bool { return v == provisioning.Unknown{} }) }

// normal converts a value to the form that JSON gives it. Empty values become nil, because Grafana omits some of them.
func normal(v any) any {
	switch v := v.(type) {
	case nil, provisioning.Unknown, bool, float64:
		return v
	case string:
		if v == "" {
			return nil
		}
		return v
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			if item = normal(item); item != nil {
				out[key] = item
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		if len(v) == 0 {
			return nil
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = normal(item)
		}
		return out
	}
	b, err := json.Marshal(v)
	if err != nil {
		return provisioning.Unknown{}
	}
	var out any
	if json.Unmarshal(b, &out) != nil {
		return provisioning.Unknown{}
	}
	return normal(out)
}

// textOf is the value of a string, or Unknown.
func textOf(v provisioning.Value) any {
	if !v.Known {
		return provisioning.Unknown{}
	}
	return v.Text
}

// fingerprintJSON is the same for equal JSON, whatever its formatting and order of keys.
func fingerprintJSON(v any) uint64 {
	b, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	var normal any
	if json.Unmarshal(b, &normal) != nil {
		return 0
	}
	b, _ = json.Marshal(normal)
	return finding.Fingerprint(string(b))
}

// listed joins the first few names of a list.
func listed(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
