package validator

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

var (
	ruleCorrelation       = validation.NewRule("correlation-invalid")
	ruleCorrelationTarget = validation.NewRule("correlation-target")
)

// checkCorrelations judges the correlations of one entry; exists reports whether its
// organization has a data source with a uid, and whether that is known.
func checkCorrelations(p *validation.Pass, e *dsEntry, exists func(uid string) (yes, known bool)) {
	for i, c := range e.correlations {
		at := e.file.At(e.corrNodes[i])
		bad := func(why string) {
			p.Errorf(at, ruleCorrelation, "", "%s: Grafana fails after writing the data sources", why)
		}
		for _, key := range []string{"label", "description"} {
			switch c[key].(type) {
			case string, provisioning.Unknown:
			default:
				bad("a correlation needs " + key + ", a string (a variable that looks like a number is not one)")
			}
		}
		external := correlationType(p, c, bad)
		correlationConfig(p, c, bad)
		switch target := c["targetUID"].(type) {
		case provisioning.Unknown:
		case string:
			yes, known := exists(target)
			switch {
			case yes:
			case known:
				p.Errorf(at, ruleCorrelationTarget, "use the uid of a data source", "targetUID names no data source: Grafana fails after writing the data sources")
			default:
				p.Warnf(at, ruleCorrelationTarget, "", "targetUID names no data source of these files; if Grafana has none either, it fails after writing the data sources")
			}
		default:
			if !external {
				bad("a correlation needs targetUID, a string")
			}
		}
	}
}

// correlationType says whether the correlation has the type external, which needs no data source.
func correlationType(p *validation.Pass, c map[string]any, bad func(string)) bool {
	t, written := c["type"]
	if !written || t == nil || t == "" || p.Version.Before(validation.V11) {
		return false
	}
	if p.Version.Before(validation.V12) {
		bad("this Grafana panics on type next to config; remove type")
		return false
	}
	return t == "external"
}

func correlationConfig(p *validation.Pass, c map[string]any, bad func(string)) {
	if c["transformations"] != nil && p.Version.AtLeast(validation.V11) {
		bad("transformations belong under config")
	}
	if c["config"] == nil {
		return
	}
	config, ok := c["config"].(map[string]any)
	if !ok {
		bad("config must be a map")
		return
	}
	config = anyCase(config, "type", "field", "target", "transformations")
	switch t := config["type"].(type) {
	case nil, provisioning.Unknown:
	case string:
		if t != "query" && (t != "" || p.Version.Before(validation.V10)) {
			bad("config.type must be query (other types are written as type next to config, in Grafana 12)")
		}
	default:
		bad("config.type must be query")
	}
	switch config["field"].(type) {
	case nil, string, provisioning.Unknown:
	default:
		bad("config.field must be a string")
	}
	switch config["target"].(type) {
	case nil, map[string]any:
	default:
		bad("config.target must be a map")
	}
	if _, err := json.Marshal(config); err != nil {
		bad("config has a value that JSON cannot represent")
	}
	if p.Version.AtLeast(validation.V10) {
		correlationTransformations(config["transformations"], bad)
	}
}

func correlationTransformations(v any, bad func(string)) {
	if v == nil {
		return
	}
	list, ok := v.([]any)
	if !ok {
		bad("config.transformations must be a list")
		return
	}
	for _, item := range list {
		t, ok := item.(map[string]any)
		if !ok {
			bad("a transformation must be a map")
			continue
		}
		t = anyCase(t, "type", "expression", "field", "mapValue")
		for _, key := range []string{"type", "expression", "field", "mapValue"} {
			switch t[key].(type) {
			case nil, string, provisioning.Unknown:
			default:
				bad("a transformation's " + key + " must be a string")
			}
		}
		switch t["type"] {
		case "logfmt", provisioning.Unknown{}:
		case "regex":
			if t["expression"] == nil || t["expression"] == "" {
				bad("a transformation of type regex needs an expression")
			}
		default:
			bad("the type of a transformation must be regex or logfmt")
		}
	}
}

// anyCase returns a map in which the keys are written as given. Grafana reads the config of a correlation without regard to
// case; of keys that differ in case alone the last one in the order of bytes wins.
func anyCase(m map[string]any, keys ...string) map[string]any {
	out := maps.Clone(m)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		for _, key := range keys {
			if strings.EqualFold(name, key) {
				out[key] = m[name]
			}
		}
	}
	return out
}
