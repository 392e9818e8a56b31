package validator

import (
	"slices"
	"strings"

	"reloader/internal/grafana/provisioning"
)

// registry is filled by the declarations of the rules, in the files that use them.
var registry = slices.Clone(provisioning.Rules())

// newRule declares a rule. Its name is a promise to users: it appears in findings and in docs.
func newRule(name string) string {
	registry = append(registry, name)
	return name
}

// Rules are the names of all rules, sorted.
func Rules() []string {
	out := slices.Clone(registry)
	slices.Sort(out)
	return slices.Compact(out)
}

// Guards are the rules that --allow can switch off, sorted.
func Guards() []string {
	return slices.DeleteFunc(Rules(), func(r string) bool { return !strings.HasPrefix(r, "guard-") })
}
