package judge

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// secrets are the values of a file that must never be shown. They are found by the names of
// their keys, not by the library's types: a password under a misspelt key is a password too.
type secrets []string

var (
	reSecretKey  = regexp.MustCompile(`(?i)passw|secret|token|credential|api_?key|access_?key|private_?key|auth|bearer|headers|account|connection_?string|username|client_id|params|cert$|key$|^ca$|^x_`)
	rePlainKey   = regexp.MustCompile(`(?i)(_file|_url|_ref|_type|_id|_interval|_method|_endpoint|^type)$`)
	reUserInfo   = regexp.MustCompile(`(://)[^/\s"']*@`)
	reURLSecrets = regexp.MustCompile(`(?i)([?&][^=&\s"]*(?:token|key|secret|passw|auth)[^=&\s"]*=)[^&\s"]+`)
)

const masked = "<secret>"

func secretsOf(ix *index) secrets {
	var s secrets
	for _, at := range ix.places {
		if at.isKey || at.node.Kind != yaml.ScalarNode || len(at.node.Value) < 2 || at.node.Tag == "!!bool" || at.node.Tag == "!!null" {
			continue
		}
		if slices.ContainsFunc(at.path, isSecretKey) && !publicLeaf(at.path) {
			s = append(s, at.node.Value)
		}
	}
	// Longer ones first: one may hold another.
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(s)
}

func isSecretKey(key string) bool {
	return reSecretKey.MatchString(key) && !rePlainKey.MatchString(key)
}

// publicLeaf reports whether the last key is one that holds no secret even in a section that does.
func publicLeaf(path []string) bool {
	last := path[len(path)-1]
	return rePlainKey.MatchString(last) && !strings.Contains(strings.Join(path, "."), "headers")
}

// redact takes everything secret out of a message.
func (s secrets) redact(message string) string {
	for _, v := range s {
		if len(v) < 4 { // as a part of a word it is chance
			message = regexp.MustCompile(`(^|\W)`+regexp.QuoteMeta(v)+`(\W|$)`).ReplaceAllString(message, "${1}"+masked+"${2}")
			continue
		}
		message = strings.ReplaceAll(message, v, masked)
		if first, _, many := strings.Cut(v, "\n"); many && len(first) > 2 {
			message = strings.ReplaceAll(message, first, masked)
		}
	}
	message = reUserInfo.ReplaceAllString(message, "${1}"+masked+"@")
	return reURLSecrets.ReplaceAllString(message, "${1}"+masked)
}
