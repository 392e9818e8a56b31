package judge

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"reloader/internal/prometheus/validator"
)

// caseFiles are the cases of testdata.
func caseFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "cases", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return files
}

// Each case contains the files of a configuration and the expected findings. The comment at its top says what it proves.
// Lines of the form key=value describe the server. With RELOADER_UPDATE=1 the findings are written instead of compared.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, c := range caseFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(c), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(c)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(ar.Files, func(f txtar.File) bool { return f.Name == "want" })
			if i < 0 {
				t.Fatal("the case does not say what it wants")
			}
			q := questionOf(ar)
			got := strings.Join(found(q, Judge(q)), "")
			for _, secret := range []string{"hunter2", "s3cr3t"} {
				if strings.Contains(got, secret) {
					t.Errorf("a secret is shown:\n%s", got)
				}
			}
			if os.Getenv("RELOADER_UPDATE") != "" {
				ar.Files[i].Data = []byte(got)
				if err := os.WriteFile(c, txtar.Format(ar), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(ar.Files[i].Data), got); d != "" {
				t.Errorf("want (-), got (+):\n%s", d)
			}
		})
	}
}

func questionOf(ar *txtar.Archive) *validator.Question {
	const dir = "/etc/prometheus/"
	q := &validator.Question{Protocol: validator.Protocol, Dirs: []string{dir}, Links: map[string]string{}}
	for line := range strings.Lines(string(ar.Comment)) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), "="); key {
		case "version":
			q.Version = value
		case "agent":
			q.Agent = true
		case "atomic":
			q.Atomic = q.Dirs
		case "link": // NAME>TARGET
			name, to, _ := strings.Cut(value, ">")
			q.Broken, q.Links[dir+name] = append(q.Broken, dir+name), to
		case "pipe":
			q.Broken = append(q.Broken, dir+value)
		case "features":
			q.Features = strings.Split(value, ",")
		}
	}
	for _, f := range ar.Files {
		if f.Name == "want" {
			continue
		}
		if f.Name == "prometheus.yml" {
			q.Main = len(q.Files)
		}
		q.Files = append(q.Files, validator.File{Path: dir + f.Name, Size: int64(len(f.Data)), Content: f.Data})
	}
	return q
}

func found(q *validator.Question, a *validator.Answer) []string {
	var lines []string
	for _, f := range a.Findings {
		name := strings.TrimPrefix(q.Files[f.File].Path, "/etc/prometheus/")
		line := fmt.Sprintf("%s:%03d:%d: %s: %s [%s]\n", name, f.Line, f.Column, f.Severity, f.Message, f.Rule)
		if f.Hint != "" {
			line += "  hint: " + f.Hint + "\n"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}
