package generic

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"reloader/internal/finding"
)

// GuardEmptied is the guard against a file that had contents and has none now.
const GuardEmptied = "guard-file-emptied"

// kind is the kind of a file in an outline.
const kind = "file"

// Validator is a finding.Validator for servers whose file formats are unknown. It only guards against emptied
// files.
type Validator struct{}

// Validate implements finding.Validator.
func (Validator) Validate(_ context.Context, req finding.Request) (finding.Result, error) {
	if req.Set == nil {
		return finding.Result{}, fmt.Errorf("validate files: no files were given")
	}
	had := map[string]bool{}
	if req.Running != nil {
		for _, item := range req.Running.Items {
			had[item.Name] = item.Attrs["empty"] == ""
		}
	}
	result := finding.Result{Outline: &finding.Outline{}}
	for f := range req.Set.All() {
		item := finding.Item{Kind: kind, Name: f.UserPath(), Fingerprint: binary.BigEndian.Uint64(f.Digest[:8])}
		if f.Size == 0 {
			item.Attrs = map[string]string{"empty": "yes"}
			if had[item.Name] {
				result.Findings = append(result.Findings, emptied(item.Name, slices.Contains(req.Allow, GuardEmptied)))
			}
		}
		result.Outline.Items = append(result.Outline.Items, item)
	}
	finding.Sort(result.Findings)
	return result, nil
}

func emptied(path string, allowed bool) finding.Finding {
	f := finding.Finding{
		File: path, Severity: finding.Error, Rule: GuardEmptied, Message: "the file had contents and is empty now",
		Hint: "if this is intended, allow it with --allow " + GuardEmptied + " (in reloader's own file: allow: [" + GuardEmptied + "])",
	}
	if allowed {
		f.Severity = finding.Warning
	}
	return f
}
