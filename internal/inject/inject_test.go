package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/status"
)

var update = flag.Bool("update", false, "write the expected outputs again")

func options() Options { return Options{Image: "reloader:test"} }

// everything switches every option on.
func everything() Options {
	o := options()
	o.FastPropagation, o.Events = true, true
	return o
}

func gated() Options {
	o := options()
	o.Gated = true
	return o
}

// golden compares got with a file, or writes that.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(pattern)
	if err != nil || len(list) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return list
}

// Each manifest in testdata/ok has its difference and the explanations beside it.
func TestInject(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/ok/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for name, o := range map[string]Options{"": options(), "-all": everything(), "-gated": gated()} {
				res, err := Inject(src, o)
				if err != nil {
					t.Fatal(err)
				}
				var b strings.Builder
				b.Write(Diff("before", src, "after", res.Output))
				for _, n := range res.Notes {
					fmt.Fprintf(&b, "line %d warning=%v %s, %q: %s\n", n.Line, n.Warning, n.Workload, n.About, n.Text)
				}
				golden(t, strings.TrimSuffix(file, ".yaml")+name+".golden", b.String())
				again, err := Inject(res.Output, o)
				if err != nil {
					t.Fatal("a second time:", err)
				}
				if !bytes.Equal(again.Output, res.Output) {
					t.Errorf("a second time it changes:\n%s", Diff("once", res.Output, "twice", again.Output))
				}
			}
		})
	}
}

// Each manifest in testdata/err is refused with the message beside it.
func TestRefuse(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/err/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			res, err := Inject(src, options())
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("want an Error, got %v", err)
			}
			if res.Output != nil {
				t.Error("there is an output beside the error")
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", fmt.Sprintf("%s\nhint: %s\n", err, e.Hint))
		})
	}
}

// Lines that no change concerns keep their bytes: taking the added lines away and putting the
// removed ones back gives the input.
func TestUntouchedLines(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	res, err := Inject(src, options())
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]int{}
	for line := range strings.Lines(string(res.Output)) {
		have[line]++
	}
	var gone []string
	for line := range strings.Lines(string(src)) {
		if have[line]--; have[line] < 0 {
			gone = append(gone, strings.TrimSpace(line))
		}
	}
	want := []string{
		"- mountPath: /etc/prometheus/prometheus.yml", "subPath: prometheus.yml",
		"- mountPath: /etc/grafana/grafana.ini", "subPath: grafana.ini",
		"- mountPath: /etc/grafana/provisioning/datasources/datasource.yaml", "subPath: datasource.yaml",
	}
	if d := cmp.Diff(want, gone); d != "" {
		t.Errorf("lines that are gone (-want +got):\n%s", d)
	}
}

// A CRLF file stays one, in the added lines too.
func TestLineEndings(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	unix, err := Inject(src, everything())
	if err != nil {
		t.Fatal(err)
	}
	dos, err := Inject(bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n")), everything())
	if err != nil {
		t.Fatal(err)
	}
	if want := bytes.ReplaceAll(unix.Output, []byte("\n"), []byte("\r\n")); !bytes.Equal(want, dos.Output) {
		t.Errorf("CRLF:\n%s", Diff("want", want, "got", dos.Output))
	}
}

// A byte order mark and text beyond ASCII in front of an edited place do not shift it.
func TestCharacters(t *testing.T) {
	t.Parallel()
	const manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: \"größe\", labels: {\"naïve\": \"日本\"}}\nspec:\n  containers:\n" +
		"  - {name: prometheus, image: \"prom/prometheus\", env: [{name: X, value: \"日本語, [kept]\"}], volumeMounts: [{name: \"日\", mountPath: /etc/prometheus/prometheus.yml, subPath: prometheus.yml}]}\n" +
		"  volumes: [{name: \"日\", configMap: {name: c}}]\n"
	for _, src := range []string{manifest, "\xef\xbb\xbf" + manifest} {
		res, err := Inject([]byte(src), options())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`{name: "日", mountPath: /etc/prometheus}`, `"日本語, [kept]"`, `args: ["--config.file=`} {
			if !strings.Contains(string(res.Output), want) {
				t.Errorf("no %s in\n%s", want, res.Output)
			}
		}
	}
}

// A large manifest is an ordinary one.
func TestFiveMegabytes(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var big bytes.Buffer
	for i := 0; big.Len() < 5<<20; i++ {
		fmt.Fprintf(&big, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: dashboard-%d\ndata:\n  a.json: |\n", i)
		for range 200 {
			big.WriteString("    {\"title\": \"a panel with a title of some length\", \"type\": \"timeseries\"}\n")
		}
		big.WriteString("---\n")
	}
	head := big.Len()
	big.Write(src)
	res, err := Inject(big.Bytes(), options())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(res.Output[:head], big.Bytes()[:head]) {
		t.Error("the documents before the workload changed")
	}
	if !bytes.Contains(res.Output[head:], []byte("- name: reloader")) {
		t.Error("no sidecar in the workload")
	}
}

// A large manifest of many workloads is an ordinary one too, and so is its diff.
func TestManyWorkloads(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	one := bytes.TrimPrefix(src, []byte("---\n"))
	for name, text := range map[string][]byte{
		"documents": bytes.Repeat(append([]byte("---\n"), one...), 300),
		"list":      append([]byte("apiVersion: v1\nkind: List\nitems:\n"), bytes.Repeat(item(one), 300)...),
	} {
		res, err := Inject(text, everything())
		if err != nil {
			t.Fatal(name, err)
		}
		if n := bytes.Count(res.Output, []byte("- name: reloader\n")); n < 300 {
			t.Errorf("%s: %d sidecars", name, n)
		}
		d := Diff("a", text, "b", res.Output)
		_, d, _ = bytes.Cut(d, []byte("@@"))
		if added := bytes.Count(d, []byte("\n+")) - bytes.Count(d, []byte("\n-")); added != bytes.Count(res.Output, []byte("\n"))-bytes.Count(text, []byte("\n")) {
			t.Errorf("%s: the diff adds %d lines", name, added)
		}
	}
}

// item makes a document an element of a list.
func item(doc []byte) []byte {
	var b bytes.Buffer
	for i, line := range bytes.SplitAfter(doc, []byte("\n")) {
		switch {
		case len(line) == 0:
		case i == 0:
			b.WriteString("- " + string(line))
		default:
			b.WriteString("  " + string(line))
		}
	}
	return b.Bytes()
}

// JSON stays JSON, so that kubectl reads it.
func TestJSON(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/ok/json.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{options(), gated()} {
		res, err := Inject(src, o)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(src) || !json.Valid(res.Output) {
			t.Errorf("no JSON:\n%s", res.Output)
		}
	}
	// With a Role behind it, the separator lets kubectl read all of it as YAML.
	res, err := Inject(src, everything())
	if err != nil {
		t.Fatal(err)
	}
	if want := "---\n{\"apiVersion\""; !strings.HasPrefix(string(res.Output), want) {
		t.Errorf("want %s first:\n%s", want, res.Output)
	}
}

// The limit is told, with both sizes.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	_, err := Inject(make([]byte, MaxSize+1), options())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(MaxSize)) {
		t.Errorf("want the limit in the error, got %v", err)
	}
}

// A container that nothing tells apart is found by the name that the user gives.
func TestNamedContainer(t *testing.T) {
	t.Parallel()
	src := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: tsdb\n    image: example.com/our/tsdb\n" +
		"    volumeMounts:\n    - {name: c, mountPath: /etc/prometheus}\n  volumes:\n  - {name: c, configMap: {name: c}}\n"
	if _, err := Inject([]byte(src), options()); err == nil {
		t.Fatal("found without a name")
	}
	o := options()
	o.PrometheusContainer = "tsdb"
	res, err := Inject([]byte(src), o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(res.Output), "--prometheus-url=http://127.0.0.1:9090") {
		t.Errorf("no target in\n%s", res.Output)
	}
}

// What Diff prints is the shortest way, which patch(1) takes.
func TestDiff(t *testing.T) {
	t.Parallel()
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("needs patch(1)")
	}
	const text = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\n"
	for _, c := range [][2]string{
		{"", "a\n"},
		{"a\n", ""},
		{"a", "b"},
		{"a\n", "a"},
		{"a\na\na\n", "a\na\n"},
		{text, "0\n" + text},
		{text, text + "o"},
		{text, strings.ReplaceAll(text, "c\n", "x\ny\n")},
		{text, strings.NewReplacer("b\n", "", "m\n", "m\nm\n").Replace(text)},
		{"---\n" + text + "---\na\n---\nb\n", "---\n" + text + "x\n---\na\nb\n---\nb\n---\nc\n"},
		{"a\n---\nb\n---\nc\n", "a\n---\nc\n"},
		{strings.Repeat("a\nb\n", 3*maxSteps), strings.Repeat("b\nc\nd\n", 2*maxSteps)},
		{text, strings.NewReplacer("b\n", "", "g\n", "G\n", "n\n", "").Replace(text)},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(file, []byte(c[0]), 0o644); err != nil {
			t.Fatal(err)
		}
		d := Diff("f", []byte(c[0]), "f", []byte(c[1]))
		cmd := exec.CommandContext(t.Context(), patch, "-s", "-p0", "-o", filepath.Join(dir, "out"), file)
		cmd.Stdin = bytes.NewReader(d)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("patch: %v: %s\n%s", err, out, d)
		}
		got, err := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil && c[1] != "" {
			t.Fatal(err)
		}
		if string(got) != c[1] {
			t.Errorf("%q with\n%sis %q, want %q", c[0], d, got, c[1])
		}
	}
}

// No note or error repeats the value of a variable or of a ConfigMap.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/ok/json.yaml")
	if err != nil {
		t.Fatal(err)
	}
	res, err := Inject(src, everything())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range res.Notes {
		if strings.Contains(n.Text, "not-shown") {
			t.Errorf("a note tells a password: %s", n.Text)
		}
	}
}

// Check names each frozen mount of the servers with its place, and nothing after inject.
func TestCheck(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	list := Check("m.yaml", src)
	var lines []int
	for _, f := range list {
		lines = append(lines, f.Line)
		if f.Rule != status.SubPathRule || f.Hint == "" || f.Column != 11 {
			t.Errorf("%+v", f)
		}
	}
	if d := cmp.Diff([]int{37, 66, 69}, lines); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
	res, err := Inject(src, options())
	if err != nil {
		t.Fatal(err)
	}
	if list := Check("m.yaml", res.Output); len(list) > 0 {
		t.Errorf("after inject: %v", list)
	}
	list = Check("m.yaml", []byte("kind: Deployment\nspec:\n\ttemplate:\n"))
	if len(list) != 1 || list[0].Rule != SyntaxRule || list[0].Line != 3 {
		t.Errorf("a tab: %+v", list)
	}
}
