package validator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/finding"
)

// A question is the same after encoding and reading it.
func TestQuestionThereAndBack(t *testing.T) {
	t.Parallel()
	q := &Question{
		Protocol: Protocol, TimeoutMillis: 5, Version: "3.15.0", Agent: true, Features: []string{"x"}, Main: 1,
		Dirs: []string{"/d"}, Atomic: []string{"/d"}, Scheme: "utf8", Key: []byte("k"),
		Files: []File{{Path: "/d/a", Size: Known}, {Path: "/d/b", Size: 3, Content: []byte("x\ny")}, {Path: "/d/c"}},
	}
	r, err := q.reader()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadQuestion(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Files[2].Content = nil
	if d := cmp.Diff(q, back, cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })); d != "" {
		t.Error(d)
	}
}

// A broken question is an error that says what is wrong.
func TestBadQuestions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"nothing":          {"", "EOF"},
		"no line end":      {`{"protocol":3}`, "unexpected EOF"},
		"no JSON":          {"hello\n", "invalid character"},
		"another protocol": {`{"protocol":99,"files":[{"path":"a","size":0}]}` + "\n", "protocol "},
		"no files":         {`{"protocol":3}` + "\n", "the main file is not among"},
		"main is known":    {`{"protocol":3,"files":[{"path":"a","size":-1}]}` + "\n", "the main file is not among"},
		"main outside":     {`{"protocol":3,"main":1,"files":[{"path":"a","size":0}]}` + "\n", "the main file is not among"},
		"negative size":    {`{"protocol":3,"files":[{"path":"a","size":-2}]}` + "\n", "file of -2 bytes"},
		"too large":        {`{"protocol":3,"files":[{"path":"a","size":9999999999}]}` + "\n", "file of 9999999999 bytes"},
		"cut":              {`{"protocol":3,"files":[{"path":"a","size":5}]}` + "\nabc", "ends after 3 of 5 bytes"},
		"too much":         {`{"protocol":3,"files":[{"path":"a","size":1}]}` + "\nabc", "more bytes than announced"},
	} {
		if _, err := ReadQuestion(strings.NewReader(c.in), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// During an upgrade the two programs may differ: the error names the other protocol, even if values had another form in it.
func TestAnotherProtocolIsNamed(t *testing.T) {
	t.Parallel()
	const old = `{"protocol":2,"expected":{"items":[{"kind":"section","name":"a","leaves":[{"p":1,"v":2}]}]},` +
		`"compare":{"items":[{"kind":"section","name":"a","leaves":[{"p":1,"v":2}]}]},"files":[{"path":"a","size":0}]}`
	if _, err := parseAnswer([]byte(old), 1); err == nil || !strings.Contains(err.Error(), "protocol 2, want ") {
		t.Errorf("an answer: %v", err)
	}
	if _, err := ReadQuestion(strings.NewReader(old+"\n"), nil); err == nil || !strings.Contains(err.Error(), "protocol 2, want ") {
		t.Errorf("a question: %v", err)
	}
}

// A broken answer is an error that says what is wrong.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"nothing":           {"", "EOF"},
		"text":              {"all is well\n", "invalid character"},
		"half":              {`{"protocol":3,"findings":[{"file":0,`, "unexpected EOF"},
		"another protocol":  {`{"protocol":7}`, "protocol "},
		"two":               {`{"protocol":3}{"protocol":3}`, "more than one answer"},
		"unknown file":      {`{"protocol":3,"findings":[{"file":9,"severity":"error","rule":"r","message":"m"}]}`, "makes no sense"},
		"no severity":       {`{"protocol":3,"findings":[{"file":0,"rule":"r","message":"m"}]}`, "makes no sense"},
		"rules of no file":  {`{"protocol":3,"rules":[{"file":-1}]}`, "was not asked about"},
		"unused file":       {`{"protocol":3,"unused":[4]}`, "was not asked about"},
		"a list":            {`[]`, "cannot unmarshal array"},
		"negative position": {`{"protocol":3,"findings":[{"file":0,"line":-1,"severity":"error","rule":"r","message":"m"}]}`, "makes no sense"},
	} {
		if _, err := parseAnswer([]byte(c.in), 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// An answer is the same after encoding and reading it.
func TestAnswerThereAndBack(t *testing.T) {
	t.Parallel()
	a := &Answer{
		Library: "3.15.0", Scheme: "utf8", Unused: []int{1}, Broken: true,
		Findings: []Finding{{File: 1, Line: 2, Column: 3, Severity: finding.Warning, Rule: "r", Message: "m", Hint: "h"}},
		Rules:    []RuleFile{{File: 1, Groups: []Group{{Name: "g", Fingerprint: 1 << 63}}}},
		Items:    []finding.Item{{Kind: "k", Name: "n", Fingerprint: 5}},
	}
	var b bytes.Buffer
	if err := WriteAnswer(&b, a); err != nil {
		t.Fatal(err)
	}
	back, err := parseAnswer(b.Bytes(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(a, back); d != "" {
		t.Error(d)
	}
}

// Any bytes are an error or a question with the announced files, which can be written and read again.
func FuzzReadQuestion(f *testing.F) {
	f.Add([]byte(`{"protocol":3,"files":[{"path":"a","size":1}]}` + "\na"))
	f.Add([]byte(`{"protocol":3,"files":[{"path":"a","size":536870912}]}` + "\na"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		q, err := ReadQuestion(bytes.NewReader(in), nil)
		if err != nil {
			return
		}
		for _, file := range q.Files {
			if file.Size != Known && file.Size != int64(len(file.Content)) {
				t.Fatalf("%d bytes were announced, %d read", file.Size, len(file.Content))
			}
		}
		r, err := q.reader()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadQuestion(r, nil); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}

// Any bytes are an error or an answer about existing files.
func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(`{"protocol":3,"findings":[{"file":0,"severity":"error","rule":"r","message":"m"}]}`), 1)
	f.Add([]byte(`{"protocol":3,"unused":[0],"need":[0],"rules":[{"file":0,"groups":[{"name":"g"}]}]}`), 1)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		a, err := parseAnswer(in, n)
		if err != nil {
			return
		}
		for _, x := range a.Findings {
			if x.File < 0 || x.File >= n {
				t.Fatalf("a finding in file %d of %d", x.File, n)
			}
		}
	})
}

// slow returns one byte at a time.
type slow struct{ r io.Reader }

func (s slow) Read(p []byte) (int, error) { return s.r.Read(p[:min(1, len(p))]) }

// A question that arrives byte by byte is read completely. A broken pipe is an error.
func TestSlowQuestion(t *testing.T) {
	t.Parallel()
	q := &Question{Protocol: Protocol, Files: []File{{Path: "a", Size: 3, Content: []byte("abc")}}}
	r, err := q.reader()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadQuestion(slow{r}, nil)
	if err != nil || string(back.Files[0].Content) != "abc" {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := ReadQuestion(io.MultiReader(strings.NewReader("{"), errReader{}), nil); !errors.Is(err, errBroken) {
		t.Errorf("a broken pipe: %v", err)
	}
}

var errBroken = errors.New("broken")

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errBroken }

// An answer has a bounded number of findings, errors first, at least one for each file. The others are counted.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ files, of, most int }{{1, 200_000, 5002}, {2, 5000, 5004}, {3, 100, 300}, {20_000, 3, 20_000 * 2}} {
		a := &Answer{}
		for f := range c.files {
			for i := range c.of {
				a.Findings = append(a.Findings, Finding{File: f, Line: i + 1, Severity: finding.Warning, Rule: "r", Message: "m"})
			}
			a.Findings = append(a.Findings, Finding{File: f, Line: c.of + 1, Severity: finding.Error, Rule: "r", Message: "m"})
		}
		var b bytes.Buffer
		if err := WriteAnswer(&b, a); err != nil {
			t.Fatal(err)
		}
		got, err := parseAnswer(b.Bytes(), c.files)
		if err != nil {
			t.Fatal(err)
		}
		var all []finding.Finding
		wrong := map[int]bool{}
		for _, f := range got.Findings {
			all = append(all, f.of(fmt.Sprint(f.File)))
			wrong[f.File] = wrong[f.File] || f.Severity == finding.Error && f.Rule == "r"
		}
		if len(all) > c.most+c.files {
			t.Errorf("%d files of %d: %d findings", c.files, c.of, len(all))
		}
		if errors, warnings := finding.Count(all, finding.Error), finding.Count(all, finding.Warning); errors != c.files || warnings != c.files*c.of || len(wrong) != c.files {
			t.Errorf("%d files of %d: %d errors and %d warnings of %d files", c.files, c.of, errors, warnings, len(wrong))
		}
	}
}
