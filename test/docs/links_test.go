// Package docs tests the documentation: links lead somewhere, commands and examples work, and pages stay short.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are all Markdown files that users and contributors read.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../kube/*.md", "../../.github/*.md", "../../.github/ISSUE_TEMPLATE/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all[f] = string(b)
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d pages were found", len(all))
	}
	return all
}

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	symbol  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names that GitHub gives to the headings of a page.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		plain := link.ReplaceAllString(strings.NewReplacer("`", "", "*", "", "[", "").Replace(m[1]), "")
		names[strings.ReplaceAll(symbol.ReplaceAllString(strings.ToLower(plain), ""), " ", "-")] = true
	}
	return names
}

// Every relative link leads to an existing file, and to an existing heading in it.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	seen := 0
	for page, text := range all {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			seen++
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s does not exist", page, m[1])
				continue
			}
			if text, ok := all[file]; ok && anchor != "" && !anchors(text)[anchor] {
				t.Errorf("%s: %s has no such heading", page, m[1])
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d links were checked", seen)
	}
}

// Every page can be reached from the table of contents.
func TestTableOfContents(t *testing.T) {
	t.Parallel()
	all := pages(t)
	contents := all["../../docs/README.md"]
	for page := range all {
		name := filepath.Base(page)
		if filepath.Dir(page) == "../../docs" && name != "README.md" && !strings.Contains(contents, "]("+name+")") {
			t.Errorf("docs/README.md does not name %s", name)
		}
	}
}
