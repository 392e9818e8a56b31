package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every claim of the threat model names its tests, and these exist.
func TestSecurityClaimsHaveTests(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, model, _ := strings.Cut(string(doc), "## Threat model")
	model, _, _ = strings.Cut(model, "## What is not defended")
	named := regexp.MustCompile("`([a-z/]+)` (Test[A-Za-z0-9]+)")
	claims := 0
	for line := range strings.Lines(model) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| claim |") {
			continue
		}
		claims++
		tests := named.FindAllStringSubmatch(line, -1)
		if len(tests) == 0 {
			t.Errorf("names no test: %s", line)
		}
		for _, m := range tests {
			if !hasTest(t, filepath.Join("..", "..", filepath.FromSlash(m[1])), m[2]) {
				t.Errorf("%s has no %s", m[1], m[2])
			}
		}
	}
	if claims < 15 {
		t.Errorf("only %d claims were found", claims)
	}
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "func "+name+"(") {
			return true
		}
	}
	return false
}
