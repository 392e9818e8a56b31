package judge

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/rulefmt"

	"reloader/internal/finding"
)

var (
	configType   = reflect.TypeFor[config.Config]()
	scrapesType  = reflect.TypeFor[config.ScrapeConfigs]()
	ruleFileType = reflect.TypeFor[rulefmt.RuleGroups]()
)

// dynamic are the types to which the library adds a field for each kind of service discovery, and those whose YAML
// differs from their fields.
var dynamic = map[reflect.Type]func() reflect.Type{
	reflect.TypeFor[config.ScrapeConfig]():       func() reflect.Type { return withDiscoveries(&config.ScrapeConfig{}) },
	reflect.TypeFor[config.AlertmanagerConfig](): func() reflect.Type { return withDiscoveries(&config.AlertmanagerConfig{}) },
	reflect.TypeFor[targetgroup.Group](): func() reflect.Type {
		return reflect.TypeFor[struct {
			Targets []string          `yaml:"targets"`
			Labels  map[string]string `yaml:"labels"`
		}]()
	},
}

func withDiscoveries(in any) reflect.Type {
	v, err := discovery.MarshalYAMLWithInlineConfigs(in)
	if err != nil {
		return reflect.TypeOf(in)
	}
	return reflect.TypeOf(v)
}

// fieldsAt are the field names that the library knows at a path of keys; nil when the path does not exist.
func fieldsAt(t reflect.Type, path []string) []string {
	if t = typeAt(t, path); t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(fields(t)))
}

// fields maps the YAML names of a struct's fields to their types. It is shared: do not change it.
func fields(t reflect.Type) map[string]reflect.Type {
	if known, ok := fieldsKnown.Load(t); ok {
		return known.(map[string]reflect.Type) //nolint:errcheck,forcetypeassert // nothing else is stored
	}
	known := fieldsOf(t)
	fieldsKnown.Store(t, known)
	return known
}

var fieldsKnown sync.Map

func fieldsOf(t reflect.Type) map[string]reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if d, ok := dynamic[t]; ok {
		if t = d(); t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	known := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return known
	}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline"):
			maps.Copy(known, fields(f.Type))
		case name != "" && name != "-" && f.IsExported():
			known[name] = f.Type
		}
	}
	return known
}

// listTypes are the names of the library's types that are written as lists.
var listTypes = sync.OnceValue(func() map[string]bool {
	lists, seen := map[string]bool{}, map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		if t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 {
			lists[t.String()] = true
		}
		for _, f := range fields(t) {
			walk(f)
		}
	}
	for _, t := range []reflect.Type{configType, scrapesType, ruleFileType} {
		walk(t)
	}
	return lists
})

// below is the path from a section to the only section within it that knows the key; nil when none or several do.
func below(t reflect.Type, name string) []string {
	var near, far [][]string
	for key, f := range fields(t) {
		for deeper, g := range fields(f) {
			if deeper == name {
				near = append(near, []string{key})
			}
			if _, ok := fields(g)[name]; ok && (strings.Contains(name, "_") || !strings.HasSuffix(deeper, "_sd_configs")) { // groups, role and similar keys mean something else there
				far = append(far, []string{key, deeper})
			}
		}
	}
	switch {
	case len(near) == 1:
		return near[0]
	case len(near) == 0 && len(far) == 1:
		return far[0]
	default:
		return nil
	}
}

// typeAt is the type of the section at a path of keys; nil when the path does not exist.
func typeAt(t reflect.Type, path []string) reflect.Type {
	for _, key := range path {
		f, ok := fields(t)[key]
		if !ok {
			return nil
		}
		t = f
	}
	return t
}

// unknownHint suggests what an unknown field was meant to be, or where it belongs.
func unknownHint(top reflect.Type, path []string) string {
	if len(path) == 0 {
		return ""
	}
	name, parent := path[len(path)-1], path[:len(path)-1]
	known := fieldsAt(top, parent)
	if hint := cmp.Or(renamedHint(path, known), finding.DidYouMean(name, known)); hint != "" {
		return hint
	}
	if len(parent) == 0 {
		switch {
		case top != ruleFileType && slices.Contains([]string{"alert", "record", "expr"}, name):
			return "this belongs to a rule: rules belong in groups, in a file that rule_files names"
		case top == ruleFileType && slices.Contains([]string{"job_name", "static_configs", "targets"}, name):
			return "this belongs to a scrape job, in prometheus.yml under scrape_configs"
		}
	}
	if section := typeAt(top, parent); section != nil {
		if way := below(section, name); way != nil {
			return quoted(name) + " belongs under " + strings.Join(way, ".") + " here"
		}
	}
	if strings.HasSuffix(name, "[]") {
		return "URL parameters belong under params"
	}
	for up := len(parent) - 1; up > 0; up-- {
		if slices.Contains(fieldsAt(top, parent[:up]), name) {
			return quoted(name) + " belongs under " + strings.Join(parent[:up], ".") + ": check the indentation"
		}
	}
	for _, elsewhere := range [][]string{{}, {"global"}, {"scrape_configs"}, {"alerting"}, {"alerting", "alertmanagers"}, {"remote_write"}, {"groups"}, {"groups", "rules"}} {
		if slices.Contains(fieldsAt(top, elsewhere), name) {
			if len(elsewhere) == 0 {
				return quoted(name) + " belongs at the top of the file: check the indentation"
			}
			if !strings.Contains(name, "_") {
				break // url, name, timeout and similar keys mean something else in each section
			}
			return quoted(name) + " belongs under " + strings.Join(elsewhere, ".") + ": check the indentation"
		}
	}
	if section := typeAt(top, parent); section == reflect.TypeFor[[]rulefmt.Rule]() && slices.Contains([]string{"severity", "summary", "description", "runbook_url", "team"}, name) {
		return "labels belong under labels, descriptions under annotations"
	}
	return ""
}
