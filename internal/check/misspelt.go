package check

import (
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/lazyregexp"
)

var (
	listAtTop  = lazyregexp.New(`\A(?:\s*(?:#.*)?\n|---[ \t]*\n)*-[ \t]`)
	ruleKey    = lazyregexp.New(`(?m)^[ \t]*(?:-[ \t]+)?(?:alert|record):[ \t]`)
	exprKey    = lazyregexp.New(`(?m)^[ \t]*(?:-[ \t]+)?expr:`)
	grafanaAPI = lazyregexp.New(`(?m)^apiVersion:[ \t]*["']?\d+["']?[ \t]*(?:#.*)?\r?$`)
)

// misspelt tells what a file was meant to be whose one key at the top is wrong or missing: skipped in a directory, no one
// would see that the server refuses it.
func misspelt(found Input, keys map[string]bool, content []byte) (Input, error) {
	near := map[string]bool{}
	for key := range keys {
		if slices.Contains(otherPrograms, key) || key == "kind" || key == "metadata" {
			return found, ErrUnknownKind
		}
		near[plain(key)] = true
	}
	rules := ruleKey().Match(content) && exprKey().Match(content)
	// With further keys it is something else: the values of a Helm chart that makes rules, for example.
	if rules && (len(keys) == 1 && (near[plain("groups")] || near[plain("rules")]) || listAtTop().Match(content)) {
		found.Kind = KindRules
		return found, nil
	}
	if !grafanaAPI().Match(content) {
		return found, ErrUnknownKind
	}
	found.Kind = KindGrafanaFile
	for _, r := range roles {
		if slices.ContainsFunc(r.keys, func(key string) bool { return near[plain(key)] }) {
			found.Role = r.role
			return found, nil
		}
	}
	// Only Grafana's files have a number as apiVersion.
	if dir := filepath.Base(filepath.Dir(found.Path)); grafana.IsDirectory(dir) {
		found.Role = dir
		return found, nil
	}
	found.Kind = ""
	return found, ErrUnknownKind
}

// plain is a key without what people get wrong in it: case, separators, the plural.
func plain(key string) string {
	key = strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(key))
	if word, plural := strings.CutSuffix(key, "ies"); plural {
		return word + "y"
	}
	return strings.TrimSuffix(key, "s")
}
