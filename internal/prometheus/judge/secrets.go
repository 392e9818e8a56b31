package judge

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/lazyregexp"
	"reloader/internal/prometheus/validator"
)

// secrets are the values of a file that must never be shown. They are recognized by the names of their keys, not by the
// library's types: a password under a misspelled key is still a password.
type secrets struct {
	values map[string]bool
	// lengths are the lengths of the values, by their first two bytes, so that one pass over a message finds all of them.
	lengths map[[2]byte][]int
}

var (
	reSecretKey  = lazyregexp.New(`(?i)passw|secret|token|credential|api_?key|access_?key|private_?key|auth|bearer|headers|account|connection_?string|username|client_id|params|cert$|key$|^ca$|^x_`)
	rePlainKey   = lazyregexp.New(`(?i)(_file|_url|_ref|_type|_id|_interval|_method|_endpoint|^type)$`)
	reURLSecrets = lazyregexp.New(`(?i)([?&][^=&\s"]*(?:token|key|secret|passw|auth)[^=&\s"]*=)[^&\s"]+`)
)

const masked = "<secret>"

// maskedInURL is how a printed URL shows its password.
const maskedInURL = ":xxxxx@"

// masks says that a printed configuration does not show all of the values that it was made from.
func masks(printed string) bool {
	return strings.Contains(printed, masked) || strings.Contains(printed, maskedInURL)
}

func secretsOf(ix *index) secrets {
	s := secrets{map[string]bool{}, map[[2]byte][]int{}}
	known := map[string]bool{} // a file repeats the same few keys
	isSecret := func(key string) bool {
		if _, ok := known[key]; !ok {
			known[key] = isSecretKey(key)
		}
		return known[key]
	}
	for _, at := range ix.places {
		if at.isKey || at.node.Kind != yaml.ScalarNode || len(at.node.Value) < 2 || at.node.Tag == "!!bool" || at.node.Tag == "!!null" {
			continue
		}
		if slices.ContainsFunc(at.path, isSecret) && !publicLeaf(at.path) {
			s.add(at.node.Value)
			if first, _, many := strings.Cut(at.node.Value, "\n"); many && len(first) > 2 {
				s.add(first)
			}
		}
	}
	return s
}

func (s secrets) add(v string) {
	s.values[v] = true
	if start := [2]byte{v[0], v[1]}; !slices.Contains(s.lengths[start], len(v)) {
		s.lengths[start] = append(s.lengths[start], len(v))
	}
}

func isSecretKey(key string) bool {
	return reSecretKey().MatchString(key) && !rePlainKey().MatchString(key)
}

// publicLeaf reports whether the last key holds no secret, even in a section that holds secrets.
func publicLeaf(path []string) bool {
	last := path[len(path)-1]
	return rePlainKey().MatchString(last) && !strings.Contains(strings.Join(path, "."), "headers")
}

// redact masks every secret in a message.
func (s secrets) redact(message string) string {
	var b strings.Builder
	from := 0 // everything before it is written
	for i := 0; i < len(message); {
		// Secrets may overlap. Then both are hidden whole.
		end := i
		for k := i; k <= end && k+1 < len(message); k++ {
			end = max(end, s.endAt(message, k))
		}
		if end == i {
			i++
			continue
		}
		b.WriteString(message[from:i] + masked)
		i, from = end, end
	}
	message = validator.HideUserInfo(b.String() + message[from:])
	return reURLSecrets().ReplaceAllString(message, "${1}"+masked)
}

// endAt is the end of the longest secret that begins at this place of a message; zero when none does.
func (s secrets) endAt(message string, at int) int {
	end := 0
	for _, n := range s.lengths[[2]byte{message[at], message[at+1]}] {
		to := at + n
		if to <= end || to > len(message) || !s.values[message[at:to]] {
			continue
		}
		// A short secret within a word is a coincidence.
		if n >= 4 || (at == 0 || !wordByte(message[at-1])) && (to == len(message) || !wordByte(message[to])) {
			end = to
		}
	}
	return end
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
