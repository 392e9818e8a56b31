package finding

import (
	"context"
	"maps"
	"slices"
	"sort"
)

// How many findings of a verdict are shown. When a file has more mistakes than this, they have the same cause.
const (
	maxPerFile = 100
	maxInAll   = 1000
	// maxText is the longest message or hint, in bytes.
	maxText = 2000
)

// Bounded limits the findings of another validator: per file, in total, and the length of each text. An invalid verdict stays
// invalid, because errors are kept before anything else.
func Bounded(v Validator) Validator {
	return ValidatorFunc(func(ctx context.Context, req Request) (Result, error) {
		res, err := v.Validate(ctx, req)
		if err == nil {
			res.Findings = Bound(res.Findings)
		}
		return res, err
	})
}

// Bound keeps the first findings of each file and in total, errors before warnings, and adds findings that say how many are
// left out. It expects findings in the order of Sort, and returns them in that order. It shortens texts in place.
func Bound(findings []Finding) []Finding {
	for i := range findings {
		findings[i].Message, findings[i].Hint = Cut(findings[i].Message, maxText), Cut(findings[i].Hint, maxText)
	}
	byFile, left, listed := map[string][]Finding{}, left{}, 0
	for _, f := range findings {
		if f.Rule == RuleMore {
			left.note(f.File, f)
			continue
		}
		byFile[f.File] = append(byFile[f.File], f)
		listed++
	}
	if listed <= maxInAll && !slices.ContainsFunc(findings, func(f Finding) bool { return len(byFile[f.File]) > maxPerFile }) {
		return findings
	}
	kept := make([]Finding, 0, min(listed, maxInAll))
	for file, of := range byFile {
		worstFirst(of)
		if len(of) > maxPerFile {
			left.note(file, of[maxPerFile:]...)
			of = of[:maxPerFile]
		}
		byFile[file] = of
		kept = append(kept, of...)
	}
	if len(kept) > maxInAll {
		kept = kept[:0]
		// The worst finding of each file comes before the second of any file: the user needs to know which files are wrong.
		files := slices.Sorted(maps.Keys(byFile))
		for rank := range maxPerFile {
			for _, file := range files {
				if rank < len(byFile[file]) {
					kept = append(kept, byFile[file][rank])
				}
			}
		}
		sort.SliceStable(kept, func(i, j int) bool { return kept[i].Severity > kept[j].Severity })
		for _, f := range kept[maxInAll:] {
			left.note(f.File, f)
		}
		kept = kept[:maxInAll]
	}
	kept = append(kept, left.findings()...)
	Sort(kept)
	return kept
}

func worstFirst(findings []Finding) {
	Sort(findings)
	sort.SliceStable(findings, func(i, j int) bool { return findings[i].Severity > findings[j].Severity })
}
