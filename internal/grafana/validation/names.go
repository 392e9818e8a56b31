package validation

import (
	"strings"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/lazyregexp"
)

const (
	MaxNameBytes = 190
	maxUID       = 40
)

var validUID = lazyregexp.New(`^[a-zA-Z0-9\-_]*$`)

// UidFits says whether Grafana's rule for short unique ids allows the text.
func UidFits(uid string) bool { return len(uid) <= maxUID && validUID().MatchString(uid) }

// AnchorsOnly are the top keys that only hold anchors, by convention.
func AnchorsOnly(m *provisioning.Map) []string {
	var out []string
	for _, f := range m.Fields {
		if strings.HasPrefix(f.Key, "x-") || strings.HasPrefix(f.Key, ".") {
			out = append(out, f.Key)
		}
	}
	return out
}

// Cut keeps a key of the user's to a sane length.
func Cut(key string) string {
	if len(key) > 60 {
		return key[:60] + "..."
	}
	return key
}
