package judge

import (
	"maps"
	"reflect"
	"slices"
	"strings"

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

// dynamic are the types to which the library adds a field for each service discovery, and
// those that are written otherwise than their fields say.
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

// fieldsAt are the field names that the library knows at a path of keys; nil when the path
// leads nowhere.
func fieldsAt(t reflect.Type, path []string) []string {
	for _, key := range path {
		f, ok := fields(t)[key]
		if !ok {
			return nil
		}
		t = f
	}
	return slices.Sorted(maps.Keys(fields(t)))
}

// fields maps the YAML names of a struct's fields to their types.
func fields(t reflect.Type) map[string]reflect.Type {
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

// unknownHint says what an unknown field was probably meant to be, or where it belongs.
func unknownHint(top reflect.Type, path []string) string {
	if len(path) == 0 {
		return ""
	}
	name, parent := path[len(path)-1], path[:len(path)-1]
	if hint := renamedHint(path, fieldsAt(top, parent)); hint != "" {
		return hint
	}
	if hint := finding.DidYouMean(name, fieldsAt(top, parent)); hint != "" {
		return hint
	}
	for _, elsewhere := range [][]string{{}, {"global"}, {"scrape_configs"}, {"alerting"}, {"alerting", "alertmanagers"}, {"remote_write"}, {"groups"}, {"groups", "rules"}} {
		if slices.Contains(fieldsAt(top, elsewhere), name) {
			if len(elsewhere) == 0 {
				return quoted(name) + " belongs at the top of the file: check the indentation"
			}
			return quoted(name) + " belongs under " + strings.Join(elsewhere, ".") + ": check the indentation"
		}
	}
	return ""
}
