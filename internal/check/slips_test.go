package check

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/manifest"
)

// slipsEvery says that one slip in 7 is tried, because each starts a validator of its own. RELOADER_SLIPS_EVERY overrides it.
const slipsEvery = 7

// A typing mistake in a file within a ConfigMap is found at its line of the manifest, even if it breaks the manifest's own
// YAML: a line that is indented less ends the text of its key.
func TestSlipsInConfigMap(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../prometheus/judge/testdata/slips/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	const above, margin = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: prometheus\ndata:\n  prometheus.yml: |\n", "    "
	every := slipsEvery
	if n, err := strconv.Atoi(os.Getenv("RELOADER_SLIPS_EVERY")); err == nil {
		every = n
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	o := manifestOptions(t)
	bad, within := 0, 0
	for i, line := range lines {
		if s := strings.TrimSpace(line); s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		for name, wrong := range map[string]string{
			"one blank more": margin + " " + line, "one blank less": margin[1:] + line, "two blanks less": margin[2:] + line,
			"no margin": line, "a tab": "\t" + line, "no blank after the colon": margin + strings.Replace(line, ": ", ":", 1),
			"no closing quote":   margin + without(line, strings.LastIndexAny(line, `"'`)),
			"no closing bracket": margin + without(line, strings.LastIndexAny(line, `])}`)),
		} {
			if wrong == margin+line || (i+len(name))%every != 0 {
				continue
			}
			text := above
			for j, l := range lines {
				if l != "" {
					l = margin + l
				}
				if j == i {
					l = wrong
				}
				text += l + "\n"
			}
			in := &manifest.Input{}
			in.Add("m.yaml", []byte(text))
			found := slices.DeleteFunc(Manifest(t.Context(), o, in).Findings, func(f finding.Finding) bool { return f.Severity != finding.Error })
			if len(found) == 0 {
				continue // the file means something else now, but it is valid
			}
			bad++
			slices.SortFunc(found, func(x, y finding.Finding) int { return cmp.Or(x.Line-y.Line, x.Column-y.Column) })
			slip := i + 1 + strings.Count(above, "\n")
			if far := found[0].Line - slip; far < -2 || far > 2 {
				t.Logf("line %d with %s: %d lines away: %s", slip, name, far, fmt.Sprint(found[0]))
				continue
			}
			within++
		}
	}
	t.Logf("of %d slips that are mistakes %d are found within 2 lines", bad, within)
	if bad < 50 || within*100 < bad*98 {
		t.Errorf("%d of %d slips are found within 2 lines", within, bad)
	}
}

func without(line string, at int) string {
	if at < 0 {
		return line
	}
	return line[:at] + line[at+1:]
}
