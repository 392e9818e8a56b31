package validation

import (
	"slices"
	"strings"

	"reloader/internal/grafana/ini"
	"reloader/internal/grafana/provisioning"
)

// registry is filled by the declarations of the rules, which are in the files that use them.
var registry = slices.Concat(provisioning.Rules(), ini.Rules())

// lasting are the rules whose errors also apply to a Grafana that is newer than any that was tried.
var lasting = slices.Concat(provisioning.Rules(), ini.Rules())

// NewRule declares a rule. Its name is a promise to users: it appears in findings and in docs.
//
//go:noinline // its 150 calls run once, at the start
func NewRule(name string) string {
	registry = append(registry, name)
	return name
}

// NewLastingRule declares a rule whose errors also apply to a Grafana that is newer than any that was tried: the file
// cannot be read at all, it refers to something that does not exist, or the source of 13 still has the rule. The other
// rules are lists of words, limits and required keys, which a newer Grafana may have lifted.
//
//go:noinline // as NewRule
func NewLastingRule(name string) string {
	lasting = append(lasting, name)
	return NewRule(name)
}

// Rules are the names of all rules, sorted.
func Rules() []string {
	return slices.Compact(slices.Sorted(slices.Values(registry)))
}

// Guards are the rules that --allow can switch off, sorted.
func Guards() []string {
	return slices.DeleteFunc(Rules(), func(r string) bool { return !strings.HasPrefix(r, "guard-") })
}
