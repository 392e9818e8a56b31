package validator

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
)

var (
	rePromtoolLine  = lazyregexp.New(`(?:^|: )(?:line (\d+)|(\d+):(\d+)): `)
	rePromtoolValue = lazyregexp.New("(cannot unmarshal !!?[^ ]+) `[^`]*`?")
	// An alias without its anchor may be a password that begins with *.
	rePromtoolAnchor = lazyregexp.New(`unknown anchor '[^']*'( referenced)?`)
	reUserInfo       = lazyregexp.New(`(://)[^/\s"']*@`)
	// What net/url says about a text that is no URL quotes all of it, and the part that it does not like: with a password, a token
	// or a piece of one, wherever they stand in it.
	reBadURL   = lazyregexp.New(`parse "(?:[^"\\]|\\.)*": (.*)`)
	reInQuotes = lazyregexp.New(` ?"(?:[^"\\]|\\.)*"`)
)

// parsePromtool reads promtool's output. users maps the paths that promtool was given to those
// that the user knows; a message that names no file is about the main file. Values quoted in type
// errors are removed, because a value in the wrong place may be a password.
func parsePromtool(out string, users map[string]string, main string) []finding.Finding {
	var (
		fs      []finding.Finding
		current = main
		failed  bool
	)
	// Longer paths first: one may begin with another.
	paths := slices.SortedFunc(maps.Keys(users), func(a, b string) int { return len(b) - len(a) })
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "Checking "); ok {
			failed = false
			if u, ok := users[rest]; ok {
				current = u
			}
			continue
		}
		rest, begins := strings.CutPrefix(line, "FAILED:")
		failed = failed || begins
		rest = strings.TrimSpace(rest)
		if line == "" || strings.HasPrefix(line, "SUCCESS") {
			failed = false
			continue
		}
		if !failed || rest == "" || strings.HasSuffix(rest, "unmarshal errors:") {
			continue
		}
		fs = append(fs, promtoolFinding(rest, current, paths, users))
	}
	return fs
}

func promtoolFinding(message, file string, paths []string, users map[string]string) finding.Finding {
	f := finding.Finding{File: file, Severity: finding.Error, Rule: RuleExternal}
	for _, p := range paths {
		if !strings.Contains(message, p) {
			continue
		}
		f.File = users[p]
		message = strings.TrimPrefix(message, "parsing YAML file ")
		message = strings.TrimPrefix(strings.TrimPrefix(message, p+": "), strconv.Quote(p)+": ")
		message = strings.ReplaceAll(message, p, users[p])
	}
	if m := rePromtoolLine().FindStringSubmatchIndex(message); m != nil {
		group := func(i int) int {
			if m[2*i] < 0 {
				return 0
			}
			n, _ := strconv.Atoi(message[m[2*i]:m[2*i+1]])
			return n
		}
		f.Line, f.Column = max(group(1), group(2)), group(3)
	}
	f.Message = cleaned(message)
	return f
}

// cleaned removes quoted values and the credentials of URLs from promtool's text.
func cleaned(s string) string {
	s = rePromtoolAnchor().ReplaceAllString(s, "unknown anchor")
	return HideUserInfo(rePromtoolValue().ReplaceAllString(s, "$1"))
}

// HideUserInfo takes the credentials of URLs out of a text, and all of a text that is no URL.
func HideUserInfo(s string) string {
	if m := reBadURL().FindStringSubmatchIndex(s); m != nil {
		s = s[:m[0]] + "not a valid URL: " + reInQuotes().ReplaceAllString(s[m[2]:m[3]], "") + s[m[3]:]
	}
	return reUserInfo().ReplaceAllString(s, "${1}<secret>@")
}
