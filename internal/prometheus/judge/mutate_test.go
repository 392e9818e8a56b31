package judge

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/test/rig"
)

// mutations are mistakes that people make in YAML. Each changes one line or the lines around it.
var mutations = []struct {
	name string
	do   func(r *rand.Rand, lines []string, at int) []string
}{
	{"delete", func(_ *rand.Rand, l []string, at int) []string { return append(l[:at:at], l[at+1:]...) }},
	{"duplicate", func(_ *rand.Rand, l []string, at int) []string { return append(l[:at+1:at+1], l[at:]...) }},
	{"indent", func(_ *rand.Rand, l []string, at int) []string { l[at] = "  " + l[at]; return l }},
	{"outdent", func(_ *rand.Rand, l []string, at int) []string { l[at] = strings.TrimPrefix(l[at], "  "); return l }},
	{"tab", func(_ *rand.Rand, l []string, at int) []string { l[at] = "\t" + l[at]; return l }},
	{"misspell", func(r *rand.Rand, l []string, at int) []string {
		if key, rest, ok := strings.Cut(l[at], ":"); ok && len(strings.TrimSpace(key)) > 3 {
			i := len(key) - 1 - r.IntN(2)
			l[at] = key[:i] + "x" + key[i:] + ":" + rest
		}
		return l
	}},
	{"empty", func(_ *rand.Rand, l []string, at int) []string { return value(l, at, "") }},
	{"list", func(_ *rand.Rand, l []string, at int) []string { return value(l, at, "[a, b]") }},
	{"mapping", func(_ *rand.Rand, l []string, at int) []string { return value(l, at, "{a: b}") }},
	{"number", func(r *rand.Rand, l []string, at int) []string { return value(l, at, fmt.Sprint(r.IntN(100)-50)) }},
	{"word", func(_ *rand.Rand, l []string, at int) []string { return value(l, at, "nonsense") }},
	{"unit", func(_ *rand.Rand, l []string, at int) []string { return value(l, at, "5x") }},
	{"bracket", func(_ *rand.Rand, l []string, at int) []string { l[at] += "("; return l }},
	{"quote", func(_ *rand.Rand, l []string, at int) []string { l[at] += "\""; return l }},
	{"null", func(_ *rand.Rand, l []string, at int) []string { return value(l, at, "null") }},
	{"swap", func(_ *rand.Rand, l []string, at int) []string {
		if at+1 < len(l) {
			l[at], l[at+1] = l[at+1], l[at]
		}
		return l
	}},
	{"alias", func(_ *rand.Rand, l []string, at int) []string { return value(l, at, "*x") }},
	{"template", func(_ *rand.Rand, l []string, at int) []string { return value(l, at, `"{{ $labels.x | nope }}"`) }},
	{"cut", func(_ *rand.Rand, l []string, at int) []string {
		l[at] = l[at][:len(l[at])/2]
		return l[:at+1]
	}},
}

// value replaces what follows the key on a line.
func value(l []string, at int, v string) []string {
	if key, _, ok := strings.Cut(l[at], ":"); ok {
		l[at] = key + ": " + v
	}
	return l
}

// mutants are n variants of a file, each with one or two mistakes. The seed makes failures reproducible.
func mutants(seed uint64, body string, n int) map[string]string {
	r := rand.New(rand.NewPCG(seed, 7))
	out := map[string]string{}
	for i := range n {
		lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
		name := fmt.Sprintf("%03d", i)
		for range 1 + r.IntN(2) {
			m := mutations[(i+r.IntN(3))%len(mutations)]
			lines = m.do(r, lines, r.IntN(len(lines)))
			name += "-" + m.name
		}
		out[name] = strings.Join(lines, "\n") + "\n"
	}
	return out
}

// Good files with random mistakes get promtool's verdict, and every finding has a line.
func TestVerdictsOnMutations(t *testing.T) {
	t.Parallel()
	rig.PromtoolBinary(t)
	used := map[string]int{}
	dir := t.TempDir()
	put := func(name, body string) string {
		p := filepath.Join(dir, name)
		write(t, p, body)
		return p
	}
	for _, f := range []string{"targets.json", "extra.scrape", "good.rules"} {
		b, err := os.ReadFile(filepath.Join("testdata", "good", f))
		if err != nil {
			t.Fatal(err)
		}
		put(f, string(b))
	}
	var mains, rules []string
	for seed, f := range []string{"prometheus.yml", "remote.yml", "good.rules"} {
		b, err := os.ReadFile(filepath.Join("testdata", "good", f))
		if err != nil {
			t.Fatal(err)
		}
		for name, body := range mutants(uint64(seed), string(b), 200) {
			if filepath.Ext(f) == ".rules" {
				rules = append(rules, put("rules-"+name+".mutant", body))
			} else {
				mains = append(mains, put(strings.TrimSuffix(f, ".yml")+"-"+name+".mutant", body))
			}
		}
	}
	files := filesBelow(t, dir)
	failed := 0
	opinions := ask(t, []string{"check", "config"}, mains)
	for _, m := range mains {
		compare(t, filepath.Base(m), opinions[m], judgeMain(dir, files, m, false), used)
		if opinions[m].failed {
			failed++
		}
	}
	opinions = ask(t, []string{"check", "rules"}, rules)
	for _, p := range rules {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Base(p), opinions[p], judgeRules(p, b), used)
		if opinions[p].failed {
			failed++
		}
	}
	all := len(mains) + len(rules)
	if failed < all/4 || failed > all-all/10 {
		t.Errorf("%d of %d mutants are bad: too few or too many for a comparison", failed, all)
	}
	t.Logf("%d mutants, %d of them bad, deliberate differences: %v", all, failed, used)
}
