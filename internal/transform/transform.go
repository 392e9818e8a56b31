// Package transform decompresses the files of a snapshot and inserts environment variables before they are published.
package transform

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// The rules of findings; docs/gated.md explains them.
const (
	RuleUnset = "unset-variable"
	// RuleForbidden is a variable that the operator did not allow.
	RuleForbidden = "variable-not-allowed"
	RuleGzip      = "broken-gzip"
	RuleSize      = "too-large"
)

// DefaultMaxSize bounds a file after decompression and after expansion, in bytes.
const DefaultMaxSize = 32 << 20

// DefaultMaxTotal bounds all results of one source together, in bytes: 1 MiB of compressed files, the limit of a
// ConfigMap, can decompress to a thousand times as much.
const DefaultMaxTotal = 64 << 20

// Options say what to change. The zero value changes nothing.
type Options struct {
	// Gunzip replaces each NAME.gz by its decompressed contents under NAME.
	Gunzip bool
	// Expand names the files, after decompression, in which $(VAR) is replaced by the environment
	// variable VAR: path.Match patterns on names relative to the source. Nothing else is replaced, and $(VAR) cannot be
	// escaped.
	Expand []string
	// Names are the variables that may be inserted: path.Match patterns on their names. Others are refused, because
	// authors of files could otherwise read the credentials in reloader's environment.
	Names []string
	// Lookup finds a variable; os.LookupEnv in a program.
	Lookup func(name string) (string, bool)
	// Inserted, when not nil, is called for each variable that was inserted.
	Inserted func(file, name, value string)
	// MaxSize bounds each result, in bytes; 0 means DefaultMaxSize.
	MaxSize int64
	// MaxTotal bounds all results of one source together, in bytes; 0 means DefaultMaxTotal.
	MaxTotal int64

	together bool // MaxSize is what is left of MaxTotal
}

// allowed reports whether a variable may be inserted.
func (o Options) allowed(name string) bool {
	return slices.ContainsFunc(o.Names, func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok })
}

// Empty reports whether the options change nothing.
func (o Options) Empty() bool { return !o.Gunzip && len(o.Expand) == 0 }

// Apply returns the changed snapshot, which is then validated and published, and findings. Each
// finding is an error, and a file that could not be changed stays as it was. A finding never contains the value
// of a variable. The snapshot's contents must be in memory.
func Apply(s *snapshot.Snapshot, o Options) (*snapshot.Snapshot, []finding.Finding) {
	o.MaxSize, o.MaxTotal = cmp.Or(o.MaxSize, DefaultMaxSize), cmp.Or(o.MaxTotal, DefaultMaxTotal)
	left := o.MaxTotal
	files := make(map[string][]byte, len(s.Files))
	var findings []finding.Finding
	for _, f := range s.Files {
		data, ok := s.Bytes(f.Name)
		if !ok {
			continue
		}
		own := o
		if left < o.MaxSize {
			own.MaxSize, own.together = left, true
		}
		name, result, found := changeFile(s, f.Name, data, own)
		if name != f.Name || int64(len(result)) > f.Size {
			left -= int64(len(result))
		}
		for i := range found {
			found[i].File, found[i].Severity = s.Source.UserPath(f.Name), finding.Error
		}
		findings = append(findings, found...)
		files[name] = result
	}
	out := snapshot.FromFiles(s.Source, files)
	out.Atomic, out.Missing = s.Atomic, s.Missing
	finding.Sort(findings)
	return out, findings
}

// changeFile changes one file: it returns its new name and contents.
func changeFile(s *snapshot.Snapshot, name string, data []byte, o Options) (string, []byte, []finding.Finding) {
	if plain, ok := strings.CutSuffix(name, ".gz"); o.Gunzip && ok && path.Base(name) != ".gz" {
		if _, taken := s.File(plain); taken {
			return name, data, []finding.Finding{{
				Rule: RuleGzip, Message: fmt.Sprintf("%s exists too, and only one of them can be published", plain),
				Hint: "remove one of the two files",
			}}
		}
		unzipped, err := gunzip(data, o.MaxSize)
		if errors.Is(err, errTooLarge) && o.together {
			return name, data, []finding.Finding{{
				Rule: RuleGzip, Message: fmt.Sprintf("cannot be decompressed: all files of its source together have more than %d MiB", o.MaxTotal>>20),
				Hint: "split the files over several sources, or publish less",
			}}
		}
		if err != nil {
			return name, data, []finding.Finding{{
				Rule: RuleGzip, Message: "cannot be decompressed: " + err.Error(),
				Hint: "compress the file with gzip, or remove .gz from its name",
			}}
		}
		name, data = plain, unzipped
	}
	if !slices.ContainsFunc(o.Expand, func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok }) {
		return name, data, nil
	}
	expanded, findings := expand(name, data, o)
	return name, expanded, findings
}
