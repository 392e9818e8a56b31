package judge

import (
	"fmt"
	"path"

	"reloader/internal/paths"
)

// refusedWith is what a rule file or a file of scrape_config_files does that is there and cannot be read. A name that is not there at
// all is left out without a word.
const refusedWith = "Prometheus refuses all files as long as this name is there"

// unfitFor is a name that the pattern finds and the server cannot read; empty when there is none. A gate does not publish such a
// name.
func (j *judge) unfitFor(pattern paths.Pattern) string {
	if j.compared += len(j.q.Broken); j.compared > maxCompared {
		return ""
	}
	for _, p := range j.q.Broken {
		if p = path.Clean(p); pattern.Match(p) {
			return p
		}
	}
	return ""
}

// led says which link or other name keeps a path from leading to a file, and what to do; empty when none does.
func (j *judge) led(p string) (message, hint string) {
	for at := p; at != "/" && at != "."; at = path.Dir(at) {
		to, ok := j.unfit[at]
		switch {
		case !ok || to == "" && at != p:
		case to == "":
			return fmt.Sprintf("file %q is not a regular file", p), "put a file there"
		case at == p:
			return fmt.Sprintf("file %q is a link to %q, where reloader finds nothing", p, to), hintLink
		default:
			return fmt.Sprintf("file %q is behind the link %q to %q, where reloader finds nothing", p, path.Base(at), to), hintLink
		}
	}
	return "", ""
}

const hintLink = "correct the link, unless it leads to a file that only the server's container has"
