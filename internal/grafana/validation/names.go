package validation

import (
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/lazyregexp"
)

const (
	MaxNameBytes = 190
	maxUID       = 40
)

var validUID = lazyregexp.New(`^[a-zA-Z0-9\-_]*$`)

// UidFits reports whether Grafana accepts a uid.
func UidFits(uid string) bool { return len(uid) <= maxUID && validUID().MatchString(uid) }

// AnchorsOnly returns the top-level keys that by convention only hold YAML anchors.
func AnchorsOnly(m *provisioning.Map) []string {
	var out []string
	for _, f := range m.Fields {
		if strings.HasPrefix(f.Key, "x-") || strings.HasPrefix(f.Key, ".") {
			out = append(out, f.Key)
		}
	}
	return out
}

// Cut shortens a key or name of the user's for a message.
func Cut(key string) string { return finding.Cut(key, 60) }
