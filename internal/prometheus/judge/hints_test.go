package judge

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"reloader/internal/prometheus/validator"
)

// section is a mapping that a file may contain, with the path to it.
type section struct {
	top  reflect.Type
	path []string
	keys []string
}

// sectionsOf are all sections of a kind of file.
func sectionsOf(top reflect.Type) []section {
	var all []section
	seen := map[reflect.Type]int{}
	var walk func(t reflect.Type, path []string)
	walk = func(t reflect.Type, path []string) {
		known := fields(t)
		if len(known) == 0 || len(path) > 8 {
			return
		}
		if seen[t]++; seen[t] > 2 {
			return // the same keys in many places
		}
		all = append(all, section{top, path, slices.Sorted(maps.Keys(known))})
		for _, key := range slices.Sorted(maps.Keys(known)) {
			if !slices.Contains(path, key) {
				walk(known[key], append(slices.Clip(path), key))
			}
		}
	}
	walk(top, nil)
	return all
}

// typos are typing mistakes in a key: a letter missing, doubled, swapped or replaced by its neighbor, a dash or capitals instead of _.
func typos(key string) []string {
	var all []string
	for i := range key {
		all = append(all, key[:i]+key[i+1:], key[:i]+key[i:i+1]+key[i:])
		if i > 0 {
			all = append(all, key[:i-1]+key[i:i+1]+key[i-1:i]+key[i+1:])
		}
		if neighbor, ok := map[byte]string{'e': "r", 'a': "s", 'o': "p", 't': "r", 'i': "o", 'n': "m", 's': "d", 'l': "k", '_': "-"}[key[i]]; ok {
			all = append(all, key[:i]+neighbor+key[i+1:])
		}
	}
	camel := ""
	for i, part := range strings.Split(key, "_") {
		if i > 0 && part != "" {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		camel += part
	}
	return append(all, camel, strings.ReplaceAll(key, "_", ""), strings.ToUpper(key), key+"s", strings.TrimSuffix(key, "s"))
}

// every says that one typo in 37 is tried: all of them would take too long.
const every = 37

// The hint for a mistyped key of any section is that key, or nothing: never another key.
func TestHintsForTypos(t *testing.T) {
	t.Parallel()
	tried, named := 0, 0
	for _, top := range []reflect.Type{configType, scrapesType, ruleFileType} {
		for _, s := range sectionsOf(top) {
			for _, key := range s.keys {
				for i, typo := range typos(key) {
					if (i+len(key))%every != 0 || typo == "" || slices.Contains(s.keys, typo) {
						continue
					}
					tried++
					hint := unknownHint(top, append(slices.Clip(s.path), typo))
					// Another key may be as similar as the intended one.
					also := slices.ContainsFunc(s.keys, func(k string) bool {
						return k != key && slices.Contains(typos(k), typo) && strings.Contains(hint, quoted(k))
					})
					switch {
					case strings.Contains(hint, quoted(key)):
						named++
					case hint != "" && !also:
						t.Errorf("%s: the hint for %q is %s", strings.Join(append(s.path, key), "."), typo, hint)
					}
				}
			}
		}
	}
	t.Logf("%d typos, %d of them with a hint", tried, named)
	if tried < 500 || named*10 < tried*9 {
		t.Errorf("only %d of %d typos have a hint", named, tried)
	}
}

// The hint for a key of another section is that section, or nothing: never a key with another meaning.
func TestHintsForMisplacedKeys(t *testing.T) {
	t.Parallel()
	named := 0
	for _, c := range []struct {
		top   reflect.Type
		under []string
		in    []string // the sections whose keys are tried there
	}{
		{configType, nil, []string{"global", "scrape_configs", "alerting", "remote_write", "storage.tsdb"}},
		{configType, []string{"global"}, []string{"", "scrape_configs", "alerting", "alerting.alertmanagers", "remote_write"}},
		{configType, []string{"scrape_configs"}, []string{"", "global", "alerting.alertmanagers", "remote_write", "scrape_configs.tls_config", "scrape_configs.authorization"}},
		{configType, []string{"remote_write"}, []string{"", "global", "scrape_configs", "remote_write.queue_config", "remote_write.tls_config"}},
		{configType, []string{"alerting"}, []string{"", "global", "alerting.alertmanagers"}},
		{ruleFileType, nil, []string{"groups", "groups.rules"}},
		{ruleFileType, []string{"groups"}, []string{"groups.rules"}},
		{ruleFileType, []string{"groups", "rules"}, []string{"", "groups"}},
	} {
		own := fieldsAt(c.top, c.under)
		for _, from := range c.in {
			var way []string
			if from != "" {
				way = strings.Split(from, ".")
			}
			for _, key := range fieldsAt(c.top, way) {
				if slices.Contains(own, key) {
					continue
				}
				hint := unknownHint(c.top, append(slices.Clip(c.under), key))
				near := ""
				for _, k := range own {
					if strings.Contains(hint, quoted(k)) {
						near = k
					}
				}
				switch {
				case strings.Contains(hint, "belongs"):
					named++
				case near != "" && !slices.ContainsFunc(renamed, func(r struct{ old, section, now string }) bool { return r.old == key && r.now == near }):
					t.Errorf("the hint for %q of %q under %q is %s", key, from, strings.Join(c.under, "."), hint)
				}
			}
		}
	}
	t.Logf("the hints for %d misplaced keys say where they belong", named)
	if named < 100 {
		t.Errorf("the hints for only %d misplaced keys say where they belong", named)
	}
}

// The library knows each template function in the list. A misspelled one is an error.
func TestTemplateFunctions(t *testing.T) {
	t.Parallel()
	for _, name := range append(slices.Clone(templateFunctions), "humanise") {
		body := "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    annotations: {a: '{{ " + name + " }}'}\n"
		a := judgeRules("/r.yml", []byte(body))
		if unknown := slices.ContainsFunc(a.Findings, func(f validator.Finding) bool { return strings.Contains(f.Message, "not defined") }); unknown != (name == "humanise") {
			t.Errorf("%s: %+v", name, a.Findings)
		}
	}
}
