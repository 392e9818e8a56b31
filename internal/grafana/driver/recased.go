package driver

import (
	"maps"
	"strings"
)

// recased returns what Grafana shows with the secrets where the file has them. Grafana reads the keys of a contact point in
// any case, but stores a secret under its own name: for HMACCONFIG: {secret: x} it shows hmacConfig: {secret: "[REDACTED]"}.
func (c contents) recased(shown map[string]any) map[string]any {
	written := map[string]bool{}
	for _, f := range c {
		for path := range f.Leaves {
			written[f.Name+path] = true
		}
	}
	if len(written) == 0 {
		return shown
	}
	var lower map[string]string // made when it is needed, which is rare
	out := shown
	for _, path := range secretsIn(nil, "", shown) {
		if written[path] {
			continue
		}
		if lower == nil {
			lower = make(map[string]string, len(written))
			for p := range written {
				lower[strings.ToLower(p)] = p
			}
			out = copyMaps(shown)
		}
		if at, ok := lower[strings.ToLower(path)]; ok {
			setLeaf(out, strings.Split(path, "/"), nil)
			setLeaf(out, strings.Split(at, "/"), redacted)
		}
	}
	return out
}

// secretsIn appends the paths of the redacted values in a map.
func secretsIn(to []string, prefix string, m map[string]any) []string {
	for key, v := range m {
		switch v := v.(type) {
		case map[string]any:
			to = secretsIn(to, prefix+key+"/", v)
		case string:
			if v == redacted {
				to = append(to, prefix+key)
			}
		}
	}
	return to
}

func copyMaps(m map[string]any) map[string]any {
	out := maps.Clone(m)
	for key, v := range out {
		if inner, ok := v.(map[string]any); ok {
			out[key] = copyMaps(inner)
		}
	}
	return out
}

// setLeaf sets a value in a map of maps; nil counts as missing.
func setLeaf(m map[string]any, path []string, v any) {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := m[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			m[path[0]] = inner
		}
		m = inner
	}
	m[path[0]] = v
}
