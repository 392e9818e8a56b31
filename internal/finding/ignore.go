package finding

import (
	"bytes"
	"context"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Ignore selects findings that are known and accepted.
type Ignore struct {
	// Rule is the name of a check.
	Rule string
	// Path selects files: it is the end of their path, or a pattern for that; empty means all files.
	Path string
}

// ParseIgnore reads RULE or RULE=PATH.
func ParseIgnore(s string) (Ignore, error) {
	rule, file, limited := strings.Cut(s, "=")
	switch {
	case rule == "" || strings.ContainsAny(rule, " /\t"):
		return Ignore{}, errors.New("want RULE or RULE=PATH")
	case limited && file == "":
		return Ignore{}, errors.New("no path after =")
	}
	if _, err := path.Match(file, ""); err != nil {
		return Ignore{}, errors.New("bad pattern: close the bracket")
	}
	return Ignore{rule, filepath.ToSlash(file)}, nil
}

// covers reports whether the finding is selected.
func (i Ignore) covers(f Finding) bool {
	if i.Rule != f.Rule {
		return false
	}
	file := filepath.ToSlash(f.File)
	if i.Path == "" || file == i.Path || strings.HasSuffix(file, "/"+strings.TrimPrefix(i.Path, "./")) {
		return true
	}
	for p := file; p != ""; {
		if ok, _ := path.Match(i.Path, p); ok {
			return true
		}
		_, p, _ = strings.Cut(p, "/")
	}
	return false
}

// Ignoring leaves out findings that are known and accepted: those that the list selects, and those with a comment
// "reloader:ignore RULE" on their line or on the line above. Errors of guards can be ignored; all other errors stay, because the
// server itself would refuse the files. The result has the number of ignored findings.
func Ignoring(v Validator, list []Ignore) Validator {
	return ValidatorFunc(func(ctx context.Context, req Request) (Result, error) {
		res, err := v.Validate(ctx, req)
		if err != nil || len(res.Findings) == 0 {
			return res, err
		}
		named, files := map[string]bool{}, map[string][]byte{}
		for _, f := range res.Findings {
			named[f.File] = true
		}
		if req.Set != nil {
			for f := range req.Set.All() {
				if name := f.UserPath(); named[name] {
					files[name], _ = f.Bytes()
				}
			}
		}
		var ignored int
		res.Findings, ignored = WithoutIgnored(res.Findings, list, files)
		res.Ignored += ignored
		return res, nil
	})
}

// WithoutIgnored returns the findings that Ignoring keeps, and how many it leaves out. Files are the contents to search for
// comments, by the file names in the findings.
func WithoutIgnored(findings []Finding, list []Ignore, files map[string][]byte) (kept []Finding, ignored int) {
	lines := map[string][][]byte{}
	for name, b := range files {
		if bytes.Contains(b, []byte(ignoreMark)) {
			lines[name] = bytes.Split(b, []byte("\n"))
		}
	}
	for _, f := range findings {
		known := slices.ContainsFunc(list, func(i Ignore) bool { return i.covers(f) }) || commented(lines[f.File], f)
		if known && (f.Severity != Error || strings.HasPrefix(f.Rule, "guard-")) {
			ignored++
			continue
		}
		kept = append(kept, f)
	}
	return kept, ignored
}

const ignoreMark = "reloader:ignore "

// commented reports whether a comment on the finding's line, or alone on the line above, names its rule.
func commented(lines [][]byte, f Finding) bool {
	if f.Line < 1 || f.Line > len(lines) {
		return false
	}
	if names(lines[f.Line-1], f.Rule) {
		return true
	}
	if f.Line < 2 {
		return false
	}
	above := bytes.TrimSpace(lines[f.Line-2])
	return len(above) > 0 && (above[0] == '#' || above[0] == ';') && names(above, f.Rule)
}

// names reports whether a line has a comment that ignores the rule.
func names(line []byte, rule string) bool {
	before, after, ok := bytes.Cut(line, []byte(ignoreMark))
	if !ok {
		return false
	}
	before = bytes.TrimRight(before, " \t")
	if len(before) == 0 || before[len(before)-1] != '#' && before[len(before)-1] != ';' {
		return false // text, not a comment
	}
	rules := strings.FieldsFunc(string(after), func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\r' })
	return slices.Contains(rules, rule)
}
