package validator

import (
	"regexp"
	"strings"

	"reloader/internal/grafana/provisioning"
)

const (
	maxNameBytes = 190
	maxUID       = 40
)

var validUID = regexp.MustCompile(`^[a-zA-Z0-9\-_]*$`)

// uidFits says whether Grafana's rule for short unique ids allows the text.
func uidFits(uid string) bool { return len(uid) <= maxUID && validUID.MatchString(uid) }

// anchorsOnly are the top keys that only hold anchors, by convention.
func anchorsOnly(m *provisioning.Map) []string {
	var out []string
	for _, f := range m.Fields {
		if strings.HasPrefix(f.Key, "x-") || strings.HasPrefix(f.Key, ".") {
			out = append(out, f.Key)
		}
	}
	return out
}

// cut keeps a key of the user's to a sane length.
func cut(key string) string {
	if len(key) > 60 {
		return key[:60] + "..."
	}
	return key
}
