package ini

import (
	_ "embed"
	"maps"
	"slices"
	"strings"

	"reloader/internal/grafana"
)

// knownText lists the sections and keys that Grafana reads: a line per section, then key:kind.
// A section with * accepts any key. An upper-case kind means that the default is not empty. known13.txt has what was
// added in Grafana 13, as far as it is public.
//
//go:embed known.txt
var knownText string

//go:embed known13.txt
var known13Text string

// The kinds of keys: what a value must be for Grafana to use it.
const (
	kindBool     = 'b'
	kindInt      = 'i'
	kindFloat    = 'f'
	kindDuration = 'd' // Go's units
	kindGrafana  = 'g' // Go's units, or one of d w M y
	kindText     = 's'
	kindOld      = 'o' // no longer read by Grafana 12
)

type knownKey struct {
	kind byte
	// hasDefault says that the default is not empty.
	hasDefault bool
}

type knownSection struct {
	// open says that any key is allowed.
	open bool
	keys map[string]knownKey
}

// with13 reports whether the server may be Grafana 13 or later, which an unknown version may be.
func with13(version string) bool { return version == "" || grafana.ParseVersion(version).AtLeast(v13) }

// knownNames is built for each check and then dropped, so that the daemon keeps no tables.
type knownNames map[string]knownSection

func loadKnown(with13 bool) knownNames {
	known := knownNames{}
	known.add(knownText)
	if with13 {
		known.add(known13Text)
	}
	return known
}

func (k knownNames) add(text string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		s, ok := k[fields[0]]
		if !ok {
			s.keys = make(map[string]knownKey, len(fields))
		}
		for _, f := range fields[1:] {
			name, kind, _ := strings.Cut(f, ":")
			if kind == "" {
				s.open = true
				continue
			}
			lower := kind[0] | 0x20
			s.keys[name] = knownKey{kind: lower, hasDefault: lower != kind[0]}
		}
		k[fields[0]] = s
	}
}

// anyKeyPrefixes are the beginnings of section names that plugins and users choose.
var anyKeyPrefixes = []string{"plugin.", "secrets_manager.encryption.", "security.encryption.", "unified_storage.", "auth.saml.", "navigation."}

func (k knownNames) section(name string) (knownSection, bool) {
	if s, ok := k[name]; ok {
		return s, true
	}
	for _, p := range anyKeyPrefixes {
		if strings.HasPrefix(name, p) {
			return knownSection{open: true}, true
		}
	}
	return knownSection{}, false
}

func (k knownNames) key(section, key string) (knownKey, bool) {
	s, _ := k.section(section)
	kk, ok := s.keys[key]
	return kk, ok
}

func (k knownNames) sectionNames() []string { return slices.Sorted(maps.Keys(k)) }

func (s knownSection) keyNames() []string { return slices.Sorted(maps.Keys(s.keys)) }

// inherited returns the section whose key Grafana sets when section has no such key: ini.v1
// looks up a missing key in the parent section, and Grafana overwrites the key that it finds there.
func (k knownNames) inherited(section, key string) string {
	for {
		i := strings.LastIndexByte(section, '.')
		if i < 0 {
			return ""
		}
		section = section[:i]
		if _, ok := k.key(section, key); ok {
			return section
		}
	}
}

// shown returns name if it looks like the name of a setting, else a placeholder: what
// stands before a = may be a piece of a secret that was broken over lines.
func shown(name string) string {
	if name == "" || len(name) > 64 {
		return unnamed
	}
	digits, changes := 0, 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c == '_', c == '.', c == '-':
		case c >= 'A' && c <= 'Z':
			changes++
		case c >= '0' && c <= '9':
			digits++
		default:
			return unnamed
		}
	}
	if name == strings.ToUpper(name) {
		changes = 0
	}
	if digits > 3 || changes > 5 || (digits > 0 && changes > 2) {
		return unnamed
	}
	return name
}

const unnamed = "(a name that is not shown)"
