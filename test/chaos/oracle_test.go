package chaos

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reloader/test/rig"
)

// The oracle finds a status that lies, a gate with an invalid file, and two reloads in flight. It accepts a true
// status.
func TestTheOracleCanFail(t *testing.T) {
	t.Parallel()
	const digest = "02aee1c0f273aabbccddeeff00112233445566778899aabbccddeeff00112233"
	more := strings.Repeat("ab", 32)
	for name, c := range map[string]struct {
		server string
		gate   string
		twice  bool
		want   string
	}{
		"truth":            {says(3, 3), "", false, ""},
		"lie":              {says(2, 3), "", false, "but the server says itself that it runs"},
		"invalid in gate":  {says(3, 3), "global: {scrape_intervall: 1s}", false, "invalid prometheus.yml"},
		"two in flight":    {says(3, 3), "", true, "two reloads"},
		"impossible":       {says(3, 3), "refused", false, "files that the server refuses"},
		"no configuration": {"none", "", false, "but the server says itself that it runs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			main, groups, _ := strings.Cut(c.server, " ")
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/api/v1/status":
					fmt.Fprintf(w, `{"targets":[{"phase":"InSync","applied":true,"wanted":%q,"running":%q,"sources":{"config":%q,"more":%q}}]}`, digest, digest, digest, more)
				case "/api/v1/status/config":
					text := ""
					if main != "none" {
						text = `global:\n  external_labels:\n    generation: ` + main + `\n`
					}
					fmt.Fprintf(w, `{"data":{"yaml":"%s"}}`, text)
				default:
					var list []string
					for g := range strings.FieldsSeq(groups) {
						list = append(list, fmt.Sprintf(`{"name":%q}`, g))
					}
					fmt.Fprintf(w, `{"data":{"groups":[%s]}}`, strings.Join(list, ","))
				}
			}))
			defer srv.Close()
			w := &world{tb: t, gated: true, gate: t.TempDir(), url: srv.URL, reloader: &rig.Reloader{URL: srv.URL}, net: &network{}, known: map[string]generation{digest: {n: 3}, more: {n: 3, more: true}}}
			w.net.overlap.Store(c.twice)
			if c.gate == "refused" {
				w.refused = map[string]bool{digest: true}
			} else if c.gate != "" {
				rig.WriteTree(t, w.gate, map[string]string{"prometheus.yml": c.gate})
			}
			o := &oracle{w: w, limit: time.Nanosecond}
			for range 3 {
				o.look(t.Context())
			}
			if c.want == "" && o.broken != "" || !strings.Contains(o.broken, c.want) {
				t.Errorf("the oracle says %q, want %q", o.broken, c.want)
			}
		})
	}
}

// Each seed always gives the same sequence, and a different one from other seeds.
func TestSequences(t *testing.T) {
	t.Parallel()
	if a, b := fmt.Sprint(sequence(kinds, 1, 50)), fmt.Sprint(sequence(kinds, 1, 50)); a != b {
		t.Errorf("one seed, two sequences:\n%s\n%s", a, b)
	}
	if a, b := fmt.Sprint(sequence(kinds, 1, 50)), fmt.Sprint(sequence(kinds, 2, 50)); a == b {
		t.Error("two seeds, one sequence")
	}
}
