package alerting

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

var (
	ruleCPType     = validation.NewRule("contact-point-type")
	ruleCPSettings = validation.NewRule("contact-point-settings")
	ruleCPRequired = validation.NewRule("contact-point-required")
	ruleCPValue    = validation.NewRule("contact-point-value")
	ruleCPEmpty    = validation.NewRule("contact-point-empty")
	ruleCPNumber   = validation.NewRule("contact-point-number")

	contactKeys  = []string{"orgId", "name", "receivers"}
	receiverKeys = []string{"uid", "type", "settings", "disableResolveMessage"}
)

// contact is a contact point: a name for receivers.
type contact struct {
	file      validation.File
	at        validation.Place
	org       int64 // 0: not known
	name      provisioning.Value
	receivers []*receiver
}

// receiver is one integration of a contact point.
type receiver struct {
	uid         provisioning.Value
	typ         string
	fingerprint uint64
}

func (a *reader) contact(m *provisioning.Map) *contact {
	a.d.UnknownKeys(m, "a contact point", contactKeys)
	c := &contact{file: a.f, at: a.f.At(m.Node), org: a.org(m), name: a.required(m, "name", "a contact point")}
	c.name.Text = strings.TrimSpace(c.name.Text)
	if m.Has("name") {
		c.at = a.f.At(m.Key("name"))
	}
	c.receivers = readItems(a, m, "receivers", a.receiver)
	if len(c.receivers) == 0 {
		a.p.Warnf(c.at, ruleCPEmpty, "write at least one receiver", "a contact point without receivers is not created")
	}
	return c
}

func (a *reader) receiver(m *provisioning.Map) *receiver {
	a.d.UnknownKeys(m, "a receiver", receiverKeys)
	r := &receiver{uid: a.required(m, "uid", "a receiver"), fingerprint: validation.FingerprintMap(m)}
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
		(&settingsCheck{a: a, node: n, values: settings, typ: t}).check()
	}
	return r
}

// contactType finds the type of a receiver, and reports one that this Grafana does not know.
func (a *reader) contactType(v provisioning.Value) *contactType {
	at := a.f.At(v.Node)
	var names []string
	for i := range contactTypes {
		t := &contactTypes[i]
		if a.p.Version.Before(t.since) {
			if strings.EqualFold(t.name, v.Text) {
				a.p.Errorf(at, ruleCPType, "", "the type %s needs Grafana %s or later: this version refuses all alerting files", t.name, t.since)
				return nil
			}
			continue
		}
		if t.name == v.Text || a.p.Version.AtLeast(validation.V12) && strings.EqualFold(t.name, v.Text) {
			return t
		}
		names = append(names, t.name)
	}
	a.p.Errorf(at, ruleCPType, provisioning.KeyHint(v.Text, names), "Grafana has no contact point type of this name: it refuses all alerting files")
	return nil
}

// settingsCheck judges the settings of one receiver.
type settingsCheck struct {
	a      *reader
	node   *yaml.Node
	values map[string]any
	typ    *contactType
	// bad says that a value was reported: checks that depend on several values are skipped.
	bad bool
}

func (s *settingsCheck) at(key string) validation.Place { return keyAt(s.a.f, s.a.d, s.node, key) }

func (s *settingsCheck) errorf(rule, key, hint, format string, args ...any) {
	s.bad = true
	s.a.p.Errorf(s.at(key), rule, hint, format+": Grafana refuses all alerting files", args...)
}

func (s *settingsCheck) check() {
	spec := s.typ.fields
	if slices.Contains(httpConfigTypes, s.typ.name) || s.a.p.Version.AtLeast(validation.V124) {
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
func (s *settingsCheck) fields(spec string, values map[string]any, node *yaml.Node) {
	fields, at := settingFields(spec), keysAt(s.a.f, s.a.d, node)
	for key, value := range values {
		name, kind, known := lookupField(fields, key)
		if !known {
			s.a.p.Warnf(at(key), ruleCPSettings, provisioning.KeyHint(key, fieldNames(fields)), "the type %[2]s has no setting '%[1]s': Grafana ignores it", validation.Cut(key), s.typ.name)
			continue
		}
		s.kind(name, kind, value, key, node)
		if sub, ok := value.(map[string]any); ok && subSettings[name] != "" {
			s.fields(subSettings[name], sub, valueOf(s.a.d, node, key))
		}
	}
}

// kind reports a value that does not fit the setting when it is read from JSON.
func (s *settingsCheck) kind(name string, kind byte, value any, key string, node *yaml.Node) {
	at := keyAt(s.a.f, s.a.d, node, key)
	if value == nil {
		if slices.Contains(secretMaps[s.typ.name], name) {
			s.a.p.Since(validation.V124, at, ruleCPValue, "remove it, or write {}", "'"+name+"' must not be empty", "Grafana fails while writing the contact points, and does not start", "newer versions of Grafana fail")
		}
		return
	}
	variable, number := false, false
	if n := s.a.d.Resolve(valueOf(s.a.d, node, key)); n != nil && n.Kind == yaml.ScalarNode {
		var before string
		before, _, variable = strings.Cut(n.Value, "$")
		number = strings.Trim(before, "+-.0123456789") == "" // "@$NAME" never is one, whatever the value
	}
	if unknownValue(value) {
		// Grafana 10 and later turn a variable that looks like a number into one; what 13 does is unknown.
		if kind == kindText && number && slices.Contains(digitSettings, name) && s.a.p.Version.AtLeast(validation.V10) && s.a.p.Version.Before(validation.V13) {
			s.a.p.Warnf(at, ruleCPNumber, numberHint, "'%s' comes from a variable: if its value looks like a number, Grafana reads it as one, refuses all alerting files and does not start", name)
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
	if kind == kindText {
		hint = "put it in quotes"
		if variable {
			hint = numberHint
		}
	}
	// Before 10 most settings were read one by one, whatever their kind.
	if s.a.p.Version.Before(validation.V10) && !slices.Contains(s.typ.required, name) {
		s.a.p.Warnf(at, ruleCPValue, hint, "'%s' must be %s: newer versions of Grafana refuse it", name, want)
		return
	}
	s.bad = true
	s.a.p.Errorf(at, ruleCPValue, hint, "'%s' must be %s: Grafana refuses all alerting files", name, want)
}

// text returns a setting that is a string; not ok when it is unknown or not a string.
func (s *settingsCheck) text(key string) (string, bool) {
	v := get(s.values, key)
	if v == nil {
		return "", true
	}
	if t, ok := v.(string); ok {
		return t, true
	}
	return "", !unknownValue(v) && isText(v)
}

// known reports whether each of these settings is missing, or a string that does not depend on Grafana's environment.
func (s *settingsCheck) known(keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { _, ok := s.text(key); return !ok })
}

func unknownValue(v any) bool {
	_, ok := v.(provisioning.Unknown)
	return ok
}

// empty reports whether a setting is certainly missing or empty.
func (s *settingsCheck) empty(key string) bool {
	v := get(s.values, key)
	return v == nil || v == ""
}

// number returns a setting that must be a whole number as text: "0" for any whole number, "x" for anything else that is not
// a string; not ok when it is missing, empty or unknown.
func (s *settingsCheck) number(key string) (text string, ok bool) {
	v := get(s.values, key)
	if v == nil || unknownValue(v) {
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
