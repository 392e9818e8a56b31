package validator

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
)

var (
	ruleCPType     = newRule("contact-point-type")
	ruleCPSettings = newRule("contact-point-settings")
	ruleCPRequired = newRule("contact-point-required")
	ruleCPValue    = newRule("contact-point-value")
	ruleCPEmpty    = newRule("contact-point-empty")
	ruleCPNumber   = newRule("contact-point-number")

	contactKeys  = []string{"orgId", "name", "receivers"}
	receiverKeys = []string{"uid", "type", "settings", "disableResolveMessage"}
)

// alertingContact is a contact point: a name for receivers.
type alertingContact struct {
	file      file
	at        place
	org       int64 // 0: not known
	name      provisioning.Value
	receivers []*alertingReceiver
}

// alertingReceiver is one integration of a contact point.
type alertingReceiver struct {
	at    place
	uid   provisioning.Value
	typ   string
	print uint64
}

func (a *alertingReader) contact(m *provisioning.Map) *alertingContact {
	a.d.UnknownKeys(m, "a contact point", contactKeys)
	c := &alertingContact{file: a.f, at: a.f.at(m.Node), org: a.org(m), name: a.required(m, "name", "a contact point")}
	c.name.Text = strings.TrimSpace(c.name.Text)
	if m.Has("name") {
		c.at = a.f.at(m.Key("name"))
	}
	for _, r := range a.items(m, "receivers", false) {
		c.receivers = append(c.receivers, a.receiver(r))
	}
	if len(c.receivers) == 0 {
		a.p.warnf(c.at, ruleCPEmpty, "write at least one receiver", "a contact point without receivers is not created")
	}
	return c
}

func (a *alertingReader) receiver(m *provisioning.Map) *alertingReceiver {
	a.d.UnknownKeys(m, "a receiver", receiverKeys)
	r := &alertingReceiver{at: a.f.at(m.Node), uid: a.required(m, "uid", "a receiver"), print: fingerprintMap(m)}
	r.uid.Text = strings.TrimSpace(r.uid.Text)
	a.uid(r.uid, "contact points")
	a.d.Bool(m, "disableResolveMessage")
	typ := a.d.Text(m, "type")
	typ.Text = strings.TrimSpace(typ.Text)
	if typ.Known && typ.Text == "" {
		a.missing(m, "type", "a receiver")
	}
	n := m.Get("settings")
	settings, ok := a.d.JudgedMap(n, "settings")
	if ok && len(settings) == 0 {
		a.missing(m, "settings", "a receiver")
	}
	if !typ.Known || typ.Text == "" {
		return r
	}
	t := a.contactType(typ)
	if t == nil {
		return r
	}
	r.typ = t.name
	if ok && len(settings) > 0 {
		s := &alertingSettingsCheck{a: a, node: n, values: settings, typ: t}
		s.check()
	}
	return r
}

// contactType finds the type of a receiver, and reports one that this Grafana does not know.
func (a *alertingReader) contactType(v provisioning.Value) *contactType {
	at := a.f.at(v.Node)
	var names []string
	for i := range contactTypes {
		t := &contactTypes[i]
		if a.p.version.Before(t.since) {
			if strings.EqualFold(t.name, v.Text) {
				a.p.errorf(at, ruleCPType, "", "the type %s needs Grafana %s or later: this version refuses all alerting files", t.name, t.since)
				return nil
			}
			continue
		}
		if t.name == v.Text || a.p.version.AtLeast(v12) && strings.EqualFold(t.name, v.Text) {
			return t
		}
		names = append(names, t.name)
	}
	hint := ""
	if near := finding.Nearest(v.Text, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	a.p.errorf(at, ruleCPType, hint, "Grafana has no contact point type of this name: it refuses all alerting files")
	return nil
}

// alertingSettingsCheck judges the settings of one receiver.
type alertingSettingsCheck struct {
	a      *alertingReader
	node   *yaml.Node
	values map[string]any
	typ    *contactType
	// bad says that a value was reported, so that what depends on it is not judged.
	bad bool
}

func (s *alertingSettingsCheck) at(key string) place { return keyAt(s.a.f, s.a.d, s.node, key) }

func (s *alertingSettingsCheck) errorf(rule, key, hint, format string, args ...any) {
	s.bad = true
	s.a.p.errorf(s.at(key), rule, hint, format+": Grafana refuses all alerting files", args...)
}

func (s *alertingSettingsCheck) check() {
	spec := s.typ.fields
	if slices.Contains(httpConfigTypes, s.typ.name) {
		spec += " http_config:m"
	}
	s.fields(spec, s.values, s.node)
	for _, key := range s.typ.required {
		if s.empty(key) {
			s.errorf(ruleCPRequired, key, "write "+key, "the type %s needs the setting '%s'", s.typ.name, key)
		}
	}
	if s.typ.check != nil && !s.bad {
		s.typ.check(s)
	}
	s.httpConfig()
}

// fields judges the names and kinds of settings.
func (s *alertingSettingsCheck) fields(spec string, values map[string]any, node *yaml.Node) {
	fields := settingFields(spec)
	for key, value := range values {
		name, kind, known := lookupField(fields, key)
		if !known {
			hint := ""
			if near := finding.Nearest(key, fieldNames(fields)); near != "" {
				hint = "did you mean " + near + "?"
			}
			s.a.p.warnf(keyAt(s.a.f, s.a.d, node, key), ruleCPSettings, hint, "the type %[2]s has no setting '%[1]s': Grafana ignores it", cut(key), s.typ.name)
			continue
		}
		s.kind(name, kind, value, key, node)
		if sub, ok := value.(map[string]any); ok && subSettings[name] != "" {
			s.fields(subSettings[name], sub, valueOf(s.a.d, node, key))
		}
	}
}

// kind reports a value that does not fit the setting when it is read from JSON.
func (s *alertingSettingsCheck) kind(name string, kind byte, value any, key string, node *yaml.Node) {
	if value == nil {
		return
	}
	at := keyAt(s.a.f, s.a.d, node, key)
	variable := false
	if n := s.a.d.Resolve(valueOf(s.a.d, node, key)); n != nil && n.Kind == yaml.ScalarNode {
		variable = strings.Contains(n.Value, "$")
	}
	if unknownValue(value) {
		// Grafana 10 and later make a number of a variable that looks like one; what 13 does is not known.
		if kind == kindText && slices.Contains(digitSettings, name) && s.a.p.version.AtLeast(v10) && s.a.p.version.Before(v13) {
			s.a.p.warnf(at, ruleCPNumber, numberHint, "'%s' comes from a variable: if its value looks like a number, Grafana reads it as one, refuses all alerting files and does not start", name)
		}
		return
	}
	want := ""
	switch kind {
	case kindText:
		if !isText(value) {
			want = "a string"
		}
	case kindBool:
		if _, ok := value.(bool); !ok {
			want = "true or false, without quotes"
		}
	case kindTextMap:
		if !isMapOf(value, isText) {
			want = "a map of strings"
		}
	case kindMap:
		if _, ok := value.(map[string]any); !ok {
			want = "a map"
		}
	case kindTexts:
		if !isListOf(value, isText) {
			want = "a list of strings"
		}
	case kindMaps:
		if !isListOf(value, func(v any) bool { _, ok := v.(map[string]any); return ok || v == nil }) {
			want = "a list of maps"
		}
	}
	if want == "" {
		return
	}
	hint := ""
	switch {
	case kind != kindText:
	case variable:
		hint = numberHint
	default:
		hint = "put it in quotes"
	}
	// Before 10 most settings were read one by one, whatever their kind.
	if s.a.p.version.Before(v10) && !slices.Contains(s.typ.required, name) {
		s.a.p.warnf(at, ruleCPValue, hint, "'%s' must be %s: newer versions of Grafana refuse it", name, want)
		return
	}
	s.bad = true
	s.a.p.errorf(at, ruleCPValue, hint, "'%s' must be %s: Grafana refuses all alerting files", name, want)
}

// text is a setting's text; not ok when it is unknown or no text.
func (s *alertingSettingsCheck) text(key string) (string, bool) {
	v, there := get(s.values, key)
	if !there || v == nil {
		return "", true
	}
	if t, ok := v.(string); ok {
		return t, true
	}
	return "", !unknownValue(v) && isText(v)
}

func unknownValue(v any) bool {
	_, ok := v.(provisioning.Unknown)
	return ok
}

// empty says that a setting is surely missing or empty.
func (s *alertingSettingsCheck) empty(key string) bool {
	v, there := get(s.values, key)
	if !there || v == nil {
		return true
	}
	t, isString := v.(string)
	return isString && t == ""
}

// number is a setting's whole number as a text or a number; not ok when it is none.
func (s *alertingSettingsCheck) number(key string) (text string, ok bool) {
	v, there := get(s.values, key)
	if !there || v == nil || unknownValue(v) {
		return "", false
	}
	switch t := v.(type) {
	case string:
		return t, t != ""
	case int, int64, uint64:
		return "0", true
	}
	return "x", true
}
