package proof

import (
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// OtherLabels names the external labels with variables whose fixed parts differ in a printed configuration. What the
// variables stand for depends on the server's environment.
func (e *Expected) OtherLabels(printed string) (differences []string) {
	var shown struct {
		Global struct {
			Labels map[string]string `yaml:"external_labels"`
		} `yaml:"global"`
	}
	// The section comes first; Differences reports one that is missing.
	if len(e.Labels) == 0 || yaml.Unmarshal([]byte(printed[:partEnd(printed)]), &shown) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
		if value, ok := shown.Global.Labels[name]; ok && !comesFrom(value, e.Labels[name]) {
			differences = append(differences, `external label "`+name+`" differs in more than its variables`)
		}
	}
	return differences
}

// comesFrom says whether a value can be what a server makes of a text with variables. A 2.x without the feature flag
// expand-external-labels leaves them as they are.
func comesFrom(value, written string) bool {
	fixed := strings.Split(os.Expand(written, func(name string) string {
		if name == "$" {
			return "$"
		}
		return "\x00" // no label has it
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
