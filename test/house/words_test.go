package house

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// avoided are the expressions in the right column of CONTRIBUTING's table, except those with a remark, which only a reader can judge.
func avoided(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| write | not |\n|---|---|\n")
	if !found {
		t.Fatal("CONTRIBUTING.md has no table of words")
	}
	var words []string
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 4 {
			break
		}
		if strings.Contains(cells[2], "(of") {
			continue
		}
		for word := range strings.SplitSeq(cells[2], ",") {
			if word = strings.TrimSpace(word); word != "" && !strings.Contains(word, "(") {
				words = append(words, word)
			}
		}
	}
	return words
}

// Code, tests, messages, manifests and documentation avoid the words in the right column of the glossary.
func TestWords(t *testing.T) {
	t.Parallel()
	words := avoided(t)
	if len(words) < 10 {
		t.Fatalf("the glossary has %d expressions to look for: %q", len(words), words)
	}
	avoid := regexp.MustCompile(`(?m)(?:^|[^\pL\pN_.])((?:` + strings.ToLower(strings.Join(words, "|")) + `))\b`)
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skip("needs git and a checkout: ", err)
	}
	looked := 0
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		switch {
		case strings.Contains(name, "/testdata/"), name == "CONTRIBUTING.md", name == "LICENSE":
			continue
		}
		switch path.Ext(name) {
		case ".go", ".md", ".yaml", ".yml", ".html":
		default:
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			continue // removed, and not yet committed
		}
		looked++
		for i, line := range strings.Split(string(text), "\n") {
			if m := avoid.FindStringSubmatch(strings.ToLower(line)); m != nil {
				t.Errorf("%s:%d: %q: CONTRIBUTING.md has a plainer word", name, i+1, m[1])
			}
		}
	}
	if looked < 500 {
		t.Errorf("only %d files were checked", looked)
	}
}
