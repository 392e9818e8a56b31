package transform

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	findingpkg "reloader/internal/finding"
	"reloader/internal/snapshot"
)

func lookup(name string) (string, bool) {
	v, ok := map[string]string{"NAME": "value", "EMPTY": "", "LINES": "a\nb", "SELF": "$(NAME)", "BIG": strings.Repeat("x", 1000), "1": "one"}[name]
	return v, ok
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func take(files map[string]string) *snapshot.Snapshot {
	b := map[string][]byte{}
	for name, text := range files {
		b[name] = []byte(text)
	}
	return snapshot.FromFiles(snapshot.Source{Name: "config", Dir: "/etc/prometheus"}, b)
}

func contents(s *snapshot.Snapshot) map[string]string {
	out := map[string]string{}
	for _, f := range s.Files {
		b, _ := s.Bytes(f.Name)
		out[f.Name] = string(b)
	}
	return out
}

func lines(findings []findingpkg.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s:%d:%d: %v: %s [%s]", f.File, f.Line, f.Column, f.Severity, f.Message, f.Rule))
	}
	return out
}

// Files are decompressed and variables inserted only where that is configured. Files that fail stay as they are, each with a finding.
func TestApply(t *testing.T) {
	t.Parallel()
	all := Options{Gunzip: true, Expand: []string{"*.yml"}, Names: []string{"*"}, Lookup: lookup, MaxSize: 2000}
	tests := map[string]struct {
		opts     Options
		in, want map[string]string
		findings []string
	}{
		"nothing configured": {
			opts: Options{Names: []string{"*"}, Lookup: lookup},
			in:   map[string]string{"a.yml": "$(NAME)", "b.gz": zipped("b")},
			want: map[string]string{"a.yml": "$(NAME)", "b.gz": zipped("b")},
		},
		"variables": {
			opts: all,
			in: map[string]string{
				"a.yml":      "x: $(NAME)$(NAME)\ny: '$(EMPTY)' $(1)\n",
				"quirks.yml": "$NAME ${NAME} $() $(NO-NAME) $(NAME $$(NAME) $($(NAME)) $(SELF) $",
				"sub/b.yml":  "$(NAME)",
				"c.txt":      "$(NAME)",
			},
			want: map[string]string{
				"a.yml":      "x: valuevalue\ny: '' one\n",
				"quirks.yml": "$NAME ${NAME} $() $(NO-NAME) $(NAME $value $(value) $(NAME) $",
				"sub/b.yml":  "$(NAME)",
				"c.txt":      "$(NAME)",
			},
		},
		"unset variables": {
			opts: all,
			in:   map[string]string{"a.yml": "x: $(NOT_SET)\ny: ü$(LINES) $(ALSO_NOT) $(NOT_SET)\n", "b.yml": "$(name)"},
			want: map[string]string{"a.yml": "x: $(NOT_SET)\ny: üa\nb $(ALSO_NOT) $(NOT_SET)\n", "b.yml": "$(name)"},
			findings: []string{
				"/etc/prometheus/a.yml:1:4: error: environment variable NOT_SET is not set [unset-variable]",
				"/etc/prometheus/a.yml:2:14: error: environment variable ALSO_NOT is not set [unset-variable]",
				"/etc/prometheus/a.yml:2:26: error: environment variable NOT_SET is not set [unset-variable]",
				"/etc/prometheus/b.yml:1:1: error: environment variable name is not set [unset-variable]",
			},
		},
		"decompressed, then expanded": {
			opts: all,
			in:   map[string]string{"prometheus.yml.gz": zipped("x: $(NAME)"), "deep/r.gz": zipped(""), ".gz": "x", "deep/.gz": "x"},
			want: map[string]string{"prometheus.yml": "x: value", "deep/r": "", ".gz": "x", "deep/.gz": "x"},
		},
		"unset variable in a compressed file": {
			opts:     all,
			in:       map[string]string{"a.yml.gz": zipped("\n$(NOT_SET)")},
			want:     map[string]string{"a.yml": "\n$(NOT_SET)"},
			findings: []string{"/etc/prometheus/a.yml.gz:2:1: error: environment variable NOT_SET is not set [unset-variable]"},
		},
		"bad gzip": {
			opts: all,
			in: map[string]string{
				"plain.gz": "no gzip at all", "none.gz": "", "cut.gz": zipped("some text")[:15],
				"sum.gz": zipped("text")[:len(zipped("text"))-8] + "12345678", "both.yml.gz": zipped("x"), "both.yml": "y",
			},
			want: map[string]string{
				"plain.gz": "no gzip at all", "none.gz": "", "cut.gz": zipped("some text")[:15],
				"sum.gz": zipped("text")[:len(zipped("text"))-8] + "12345678", "both.yml.gz": zipped("x"), "both.yml": "y",
			},
			findings: []string{
				"/etc/prometheus/both.yml.gz:0:0: error: both.yml exists too, and only one of them can be published [broken-gzip]",
				"/etc/prometheus/cut.gz:0:0: error: cannot be decompressed: it ends too early [broken-gzip]",
				"/etc/prometheus/none.gz:0:0: error: cannot be decompressed: the file is empty [broken-gzip]",
				"/etc/prometheus/plain.gz:0:0: error: cannot be decompressed: it is not in gzip format [broken-gzip]",
				"/etc/prometheus/sum.gz:0:0: error: cannot be decompressed: its checksum is wrong [broken-gzip]",
			},
		},
		"bombs": {
			opts: Options{Gunzip: true, Expand: []string{"*"}, Names: []string{"*"}, Lookup: lookup, MaxSize: 1 << 20},
			in:   map[string]string{"a.gz": zipped(strings.Repeat("x", 1<<20+1)), "b": strings.Repeat("$(BIG)", 1100)},
			want: map[string]string{"a.gz": zipped(strings.Repeat("x", 1<<20+1)), "b": strings.Repeat("$(BIG)", 1100)},
			findings: []string{
				"/etc/prometheus/a.gz:0:0: error: cannot be decompressed: it contains more than 1 MiB [broken-gzip]",
				"/etc/prometheus/b:1:6289: error: with environment variable BIG the file becomes larger than 1 MiB [too-large]",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := take(test.in)
			before := in.Digest
			out, findings := Apply(in, test.opts)
			if diff := cmp.Diff(test.want, contents(out)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.findings, lines(findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if out.Digest != take(test.want).Digest {
				t.Error("the digest is not that of the result")
			}
			if diff := cmp.Diff(test.in, contents(in)); diff != "" || in.Digest != before {
				t.Errorf("the reading itself was changed (-want +got):\n%s", diff)
			}
			for _, f := range findings {
				if strings.Contains(f.Message+f.Hint, "xxx") || strings.Contains(f.Message+f.Hint, "value") {
					t.Errorf("a finding shows what a variable holds: %+v", f)
				}
			}
		})
	}
}

// FuzzExpand: the result is bounded, nothing changes without a reference, and each finding points at its reference.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"", "$(NAME)", "a $(NOT) \n$(EMPTY)$(LINES)", "$($(NAME))", "$(", "$()", "$(NAME", "\xff$(NAME)\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 1 << 12
		out, findings := expand("f", data, Options{Names: []string{"*"}, Lookup: lookup, MaxSize: most})
		if int64(len(out)) > max(most, int64(len(data)))+int64(len(data)) {
			t.Errorf("%d bytes became %d", len(data), len(out))
		}
		// Without any reference nothing changes, and nothing is found.
		if _, _, _, ok := cutReference(data); !ok && (!bytes.Equal(out, data) || findings != nil) {
			t.Errorf("%q became %q, %v", data, out, findings)
		}
		for _, finding := range findings {
			if finding.Rule == RuleSize {
				continue
			}
			// Each finding points at the reference that it names.
			rest := data
			for range finding.Line - 1 {
				_, rest, _ = bytes.Cut(rest, []byte("\n"))
			}
			for range finding.Column - 1 {
				rest = rest[len(firstRune(rest)):]
			}
			before, name, _, ok := cutReference(rest)
			if !ok || len(before) > 0 || finding.Message != "environment variable "+name+" is not set" {
				t.Errorf("%q: finding %d:%d %q points at %q", data, finding.Line, finding.Column, finding.Message, rest)
			}
		}
	})
}

func firstRune(b []byte) []byte {
	for i := range string(b) {
		if i > 0 {
			return b[:i]
		}
	}
	return b
}

// FuzzGunzip: the result is bounded, empty after an error, and survives a round trip.
func FuzzGunzip(f *testing.F) {
	f.Add([]byte(zipped("text")))
	f.Add([]byte(zipped(strings.Repeat("x", 5000))))
	f.Add([]byte(""))
	f.Add([]byte("\x1f\x8b\x08"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 4096
		out, err := gunzip(data, most)
		if len(out) > most || (err != nil && out != nil) {
			t.Errorf("%d bytes, %v", len(out), err)
		}
		if again, err := gunzip([]byte(zipped(string(out))), most); err != nil || !bytes.Equal(again, out) {
			t.Errorf("%q compressed and decompressed is %q, %v", out, again, err)
		}
	})
}
