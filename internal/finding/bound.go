package finding

import (
	"context"
	"maps"
	"slices"
)

// Bounds of what is shown of a verdict. A file that has more mistakes than this has one cause.
const (
	maxPerFile = 100
	maxInAll   = 1000
	// maxText bounds a message or hint, in bytes.
	maxText = 2000
)

// Bounded bounds the findings of another validator: per file, in all, and each text. A verdict that was
// invalid stays invalid, because errors are kept before anything else.
func Bounded(v Validator) Validator {
	return ValidatorFunc(func(ctx context.Context, req Request) (Result, error) {
		res, err := v.Validate(ctx, req)
		if err == nil {
			res.Findings = Bound(res.Findings)
		}
		return res, err
	})
}

// Bound keeps the first findings of each file and of all files, errors before warnings, and adds how many
// it left out. Findings and result are sorted as Sort does.
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
		// Each file's worst comes before any file's second: which files are wrong is what counts.
		files := slices.Sorted(maps.Keys(byFile))
		for rank := range maxPerFile {
			for _, file := range files {
				if rank < len(byFile[file]) {
					kept = append(kept, byFile[file][rank])
				}
			}
		}
		slices.SortStableFunc(kept, func(a, b Finding) int { return int(b.Severity) - int(a.Severity) })
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
	slices.SortStableFunc(findings, func(a, b Finding) int { return int(b.Severity) - int(a.Severity) })
}
