package proof

import (
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// OtherLabels names the external labels with variables that differ from a printed configuration in more than the
// variables. The values of the variables depend on the server's environment.
func (e *Expected) OtherLabels(printed string) (differences []string) {
	var shown struct {
		Global struct {
			Labels map[string]string `yaml:"external_labels"`
		} `yaml:"global"`
	}
	// The global section is printed first. Differences reports a missing label.
	if len(e.Labels) == 0 || yaml.Unmarshal([]byte(printed[:PartEnd(printed)]), &shown) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
		if value, ok := shown.Global.Labels[name]; ok && !comesFrom(value, e.Labels[name]) {
			differences = append(differences, `external label "`+name+`" differs in more than its variables`)
		}
	}
	return differences
}

// comesFrom reports whether a server can expand a text with variables to this value. A 2.x without the feature flag
// expand-external-labels leaves variables as they are.
func comesFrom(value, written string) bool {
	fixed := strings.Split(os.Expand(written, func(name string) string {
		if name == "$" {
			return "$"
		}
		return "\x00" // does not occur in a label
	}), "\x00")
	if value == written || len(fixed) == 1 {
		return value == written || value == fixed[0]
	}
	rest, ok := strings.CutPrefix(value, fixed[0])
	for _, part := range fixed[1 : len(fixed)-1] {
		_, after, found := strings.Cut(rest, part)
		rest, ok = after, ok && found
	}
	return ok && strings.HasSuffix(rest, fixed[len(fixed)-1])
}
