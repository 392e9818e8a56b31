package ini

import (
	"strings"

	"reloader/internal/grafana/expand"
	"reloader/internal/lazyregexp"
)

// setting is the value that Grafana uses for one key.
type setting struct {
	entry *entry
	text  string
	// unknown says that the value depends on the server's environment or files.
	unknown bool
}

// settings are the keys that the file sets, as Grafana would read them.
type settings struct {
	keys map[string]map[string]*setting
	env  Options
	// work is how many bytes resolve may still read in total: references can multiply.
	work *int
}

const maxWork = 8 << 20

func newSettings(doc document, opts Options) settings {
	work := maxWork
	s := settings{keys: map[string]map[string]*setting{}, env: opts, work: &work}
	for i := range doc.entries {
		e := &doc.entries[i]
		section := s.keys[e.section]
		if section == nil {
			section = map[string]*setting{}
			s.keys[e.section] = section
		}
		// The library keeps the last value, and Grafana then ignores empty ones.
		section[e.key] = &setting{entry: e, text: e.value}
	}
	for section, keys := range s.keys {
		for key, v := range keys {
			if v.text == "" {
				delete(keys, key)
				continue
			}
			s.finish(section, key, v)
		}
	}
	return s
}

// finish applies what comes after the file: GF_ variables, then expansion.
func (s settings) finish(section, key string, v *setting) {
	if s.env.Env.Same {
		if override := s.env.Env.Lookup(envName(section, key)); override != "" {
			v.text = override
		}
	}
	v.text, v.unknown = s.env.expand(v.text)
}

// get returns a key's value; not ok when the file does not set it or the value is unknown.
func (s settings) get(section, key string) (string, bool) {
	v := s.keys[section][key]
	if v == nil || v.unknown {
		return "", false
	}
	return s.resolve(section, v.text)
}

// value is get with fallback for a key that is not set or empty; not ok when the value is unknown.
func (s settings) value(section, key, fallback string) (string, bool) {
	if s.keys[section][key] == nil {
		return fallback, true
	}
	text, ok := s.get(section, key)
	if ok && text == "" {
		text = fallback
	}
	return text, ok
}

// at is where a key is written; nil when the file does not set it.
func (s settings) at(section, key string) *entry {
	if v := s.keys[section][key]; v != nil {
		return v.entry
	}
	return nil
}

var reference = lazyregexp.New(`%\(([^)]+)\)s`)

// referenceDefaults are the defaults of the keys that people usually refer to with %(key)s.
var referenceDefaults = map[string]string{"protocol": "http", "domain": "localhost", "http_port": "3000"}

// resolve replaces %(key)s with the key's value, as the library does when it returns a string; not ok
// when the value of a referenced key is unknown.
func (s settings) resolve(section, text string) (string, bool) {
	for range 99 {
		m := reference().FindStringSubmatch(text)
		if m == nil {
			return text, true
		}
		if *s.work -= len(text); *s.work < 0 {
			return "", false
		}
		v := s.keys[section][m[1]]
		if v == nil {
			v = s.keys[defaultSection][m[1]]
		}
		switch {
		case v != nil && v.unknown:
			return "", false
		case v != nil:
			text = strings.ReplaceAll(text, m[0], v.text)
		case section == "server" && referenceDefaults[m[1]] != "":
			text = strings.ReplaceAll(text, m[0], referenceDefaults[m[1]])
		default:
			return "", false
		}
		if len(text) > 1<<16 {
			return "", false
		}
	}
	return "", false
}

// envName is the environment variable that overrides a key.
func envName(section, key string) string {
	dots := strings.NewReplacer(".", "_", "-", "_")
	return "GF_" + strings.ToUpper(dots.Replace(section)) + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// expand replaces variables first and files second, each in one pass, as Grafana does.
func (o Options) expand(text string) (out string, unknown bool) {
	out = expand.Replace(text, func(u expand.Use) (string, bool) {
		unknown = unknown || u.IsVariable() && !o.Env.Same
		if !u.IsVariable() {
			return "", false
		}
		return o.Env.Variable(u.Arg), true
	})
	out = expand.Replace(out, func(u expand.Use) (string, bool) {
		if u.Kind != "__file" {
			return "", false
		}
		content, err := o.Env.File(u.Arg)
		unknown = unknown || err != nil || !o.Env.Same
		return strings.TrimSpace(string(content)), true
	})
	return out, unknown
}
