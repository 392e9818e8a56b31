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

// Values are those of the variables that were inserted into a target's files. What a validator quotes of a
// file may be one of them.
type Values struct {
	mu    sync.Mutex
	names map[string]string // by value
	files map[string]bool   // that hold a value, as the user names them
}

// Apply is Apply, and remembers what was inserted.
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

// Hide puts $(NAME) where a finding of another validator quotes a value, and keeps lines of the files with
// values from being shown.
func (v *Values) Hide(inner finding.Validator) finding.Validator {
	return finding.ValidatorFunc(func(ctx context.Context, req finding.Request) (finding.Result, error) {
		res, err := inner.Validate(ctx, req)
		v.hide(res.Findings)
		return res, err
	})
}

// minHidden is how long a value must be, in bytes, to be worth hiding: "1" or "eu" is in any text.
const minHidden = 4

func (v *Values) hide(findings []finding.Finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var pairs []string
	// Longer ones first: one may hold another. Findings quote as Go does, so that a value may be escaped.
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
