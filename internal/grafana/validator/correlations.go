package validator

import (
	"encoding/json"

	"reloader/internal/grafana/provisioning"
)

var (
	ruleCorrelation       = newRule("correlation-invalid")
	ruleCorrelationTarget = newRule("correlation-target")
)

// checkCorrelations judges the correlations of one entry; exists tells of a uid in its organization
// whether there is such a data source, as far as that is known.
func (p *validation) checkCorrelations(e *dsEntry, exists func(uid string) (yes, known bool)) {
	for i, c := range e.correlations {
		at := e.file.at(e.corrNodes[i])
		bad := func(why string) {
			p.errorf(at, ruleCorrelation, "", "%s: Grafana fails after writing the data sources", why)
		}
		for _, key := range []string{"label", "description"} {
			switch c[key].(type) {
			case string, provisioning.Unknown:
			default:
				bad("a correlation needs " + key + ", a string (a variable that looks like a number is not one)")
			}
		}
		external := p.correlationType(c, bad)
		p.correlationConfig(c, bad)
		switch target := c["targetUID"].(type) {
		case provisioning.Unknown:
		case string:
			yes, known := exists(target)
			switch {
			case yes:
			case known:
				p.errorf(at, ruleCorrelationTarget, "use the uid of a data source", "targetUID names no data source: Grafana fails after writing the data sources")
			default:
				p.warnf(at, ruleCorrelationTarget, "", "targetUID names no data source of these files; if Grafana has none either, it fails after writing the data sources")
			}
		default:
			if !external {
				bad("a correlation needs targetUID, a string")
			}
		}
	}
}

// correlationType says whether the correlation leads outside, to no data source.
func (p *validation) correlationType(c map[string]any, bad func(string)) bool {
	t, written := c["type"]
	if !written || t == nil || t == "" || p.version.Before(v11) {
		return false
	}
	if p.version.Before(v12) {
		bad("this Grafana panics on type beside config; remove type")
		return false
	}
	return t == "external"
}

func (p *validation) correlationConfig(c map[string]any, bad func(string)) {
	if c["transformations"] != nil && p.version.AtLeast(v11) {
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
	switch t := config["type"].(type) {
	case nil, provisioning.Unknown:
	case string:
		if t != "query" && (t != "" || p.version.Before(v10)) {
			bad("config.type must be query (other types are written as type beside config, in Grafana 12)")
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
		bad("config has a value that JSON does not have")
	}
	if p.version.AtLeast(v10) {
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
