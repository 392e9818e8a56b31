package transform

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Values are those of the variables that were inserted into a target's files. A validator that quotes a
// file may quote one of them.
type Values struct {
	mu    sync.Mutex
	names map[string]string // by value
	files map[string]bool   // with a value in them, by the user's path
}

// Apply calls the function Apply and remembers what was inserted.
func (v *Values) Apply(s *snapshot.Snapshot, o Options) (*snapshot.Snapshot, []finding.Finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.names == nil {
		v.names, v.files = map[string]string{}, map[string]bool{}
	}
	o.Inserted = func(file, name, value string) {
		v.names[value] = name
		v.files[s.Source.UserPath(file)] = true
	}
	return Apply(s, o)
}

// Hide replaces each value in the findings of another validator by $(NAME), and marks findings about files with
// values as private, so that their lines are not shown.
func (v *Values) Hide(inner finding.Validator) finding.Validator {
	return finding.ValidatorFunc(func(ctx context.Context, req finding.Request) (finding.Result, error) {
		res, err := inner.Validate(ctx, req)
		v.hide(res.Findings)
		return res, err
	})
}

// minHidden is the shortest value that is hidden, in bytes: "1" or "eu" is in any text.
const minHidden = 4

func (v *Values) hide(findings []finding.Finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var pairs []string
	// Longer ones first: one may contain another. Findings quote as Go does, so a value may be escaped.
	for _, value := range slices.SortedFunc(maps.Keys(v.names), func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) }) {
		if len(value) < minHidden {
			break
		}
		written := "$(" + v.names[value] + ")"
		pairs = append(pairs, value, written)
		if quoted := strconv.Quote(value); quoted != `"`+value+`"` {
			pairs = append(pairs, quoted[1:len(quoted)-1], written)
		}
	}
	if len(pairs) == 0 {
		return
	}
	hidden := strings.NewReplacer(pairs...)
	for i := range findings {
		f := &findings[i]
		f.Message, f.Hint = hidden.Replace(f.Message), hidden.Replace(f.Hint)
		f.Private = f.Private || v.files[f.File]
	}
}
