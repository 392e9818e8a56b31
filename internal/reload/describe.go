package reload

import (
	"fmt"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

const (
	// maxNamedFiles is how many changed files are named; if there are more, they are only counted.
	maxNamedFiles = 8
	// maxExcerpts is how many findings are shown with the lines around them.
	maxExcerpts = 10
)

// describe says in words how the newest files differ from those that the server was last proven to run. It also
// adds excerpts to the first findings while the contents are in memory.
func (t *Target) describe(set *snapshot.Set) {
	t.wantedChanges = nil
	switch {
	case t.good.digest == set.Digest:
	case t.o.Diff != nil && t.good.outline != nil && t.outline != nil:
		t.wantedChanges = t.o.Diff(t.good.outline, t.outline)
	}
	if len(t.wantedChanges) == 0 && t.good.set != nil {
		t.wantedChanges = changedFiles(snapshot.Diff(t.good.set, set))
	}
	finding.AddExcerpts(t.findings, maxExcerpts, func(file string) []byte {
		for f := range set.All() {
			if f.UserPath() == file {
				b, _ := f.Bytes()
				return b
			}
		}
		return nil
	})
}

// changedFiles names files. It serves when the contents are unknown, or too broken to be described.
func changedFiles(changes []snapshot.Change) []string {
	if len(changes) > maxNamedFiles {
		return []string{fmt.Sprintf("%d files changed", len(changes))}
	}
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("file %q %s", c.Name, c.Kind))
	}
	return out
}
