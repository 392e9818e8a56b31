package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// verdict is the result of `check` and `once`.
type verdict struct {
	findings []finding.Finding
	ignored  int // how many more were left out as known and accepted
	// unjudged says why there is no verdict on some of the files.
	unjudged []string
	digests  map[string]string // by path or target
	names    []string          // the keys of digests in order
	// judged lists, for manifests, what was judged in them.
	judged []string
	// kept names each gate with bad new files, which keeps the last good ones. last replaces word in the last line, because such
	// files are no reason to hold a server back. Both are for once alone.
	kept []string
	last string
	// strict makes warnings count as errors.
	strict bool
}

// add adds the result for one target or path.
func (v *verdict) add(name, digest string, findings []finding.Finding, err error) {
	v.findings = append(v.findings, findings...)
	if err != nil {
		v.unjudged = append(v.unjudged, err.Error())
	}
	if digest != "" {
		if v.digests == nil {
			v.digests = map[string]string{}
		}
		v.digests[name] = digest
		v.names = append(v.names, name)
	}
}

// word returns the verdict on everything. Errors count even if something else could not be judged.
func (v *verdict) word() finding.Verdict {
	switch {
	case finding.HasErrors(v.findings) || v.strict && finding.Count(v.findings, finding.Warning) > 0:
		return finding.VerdictInvalid
	case len(v.unjudged) > 0:
		return finding.VerdictUnknown
	default:
		return finding.VerdictOK
	}
}

// code returns the exit code of the verdict.
func (v *verdict) code() int {
	switch v.word() {
	case finding.VerdictInvalid:
		return exitFailed
	case finding.VerdictUnknown:
		return exitUnjudged
	default:
		return exitOK
	}
}

// formats are the values of --format.
var formats = []string{"text", "json", "github", "sarif"}

// write prints the verdict: results on standard output, what could not be judged on standard error.
func (v *verdict) write(cmd string, std stdio, format string) error {
	for _, reason := range v.unjudged {
		fmt.Fprintf(std.err, "reloader %s: could not judge: %s\n", cmd, finding.OneLine(reason))
	}
	finding.Sort(v.findings)
	v.findings = slices.Compact(v.findings) // a file can be judged twice, in different ways
	switch format {
	case "json":
		return v.json(std.out)
	case "github":
		return finding.WriteGitHub(std.out, v.findings)
	case "sarif":
		return finding.WriteSARIF(std.out, version, v.findings, v.unjudged)
	default:
		return v.text(std.out)
	}
}

func (v *verdict) text(w io.Writer) error {
	if err := finding.WriteText(w, v.findings, reader()); err != nil {
		return err
	}
	for _, name := range v.names {
		fmt.Fprintf(w, "%s: digest %s\n", finding.AtStart(name), v.digests[name])
	}
	for _, what := range v.judged {
		fmt.Fprintf(w, "judged: %s\n", finding.OneLine(what))
	}
	for _, what := range v.kept {
		fmt.Fprintln(w, finding.AtStart(what))
	}
	ignored := ""
	if v.ignored > 0 {
		ignored = fmt.Sprintf(", %d ignored", v.ignored)
	}
	_, err := fmt.Fprintf(w, "%s: %s, %s%s\n", cmp.Or(v.last, string(v.word())),
		finding.Number(v.findings, finding.Error), finding.Number(v.findings, finding.Warning), ignored)
	return err
}

// maxSnippetFile is the largest file whose lines are shown, in bytes.
const maxSnippetFile = 4 << 20

// reader returns a lookup that reads a file only once for all findings in it, to show their lines.
func reader() finding.Lookup {
	var last string
	var data []byte
	return func(path string) []byte {
		if path != last {
			last = path
			data, _ = snapshot.ReadFile(path, snapshot.Limits{MaxFileSize: maxSnippetFile}) // without it no line is shown
		}
		return data
	}
}

// json writes the verdict as one object. Scripts rely on its form.
func (v *verdict) json(w io.Writer) error {
	out := struct {
		Verdict  finding.Verdict   `json:"verdict"`
		Findings []finding.Finding `json:"findings"`
		Ignored  int               `json:"ignored,omitempty"`
		Unjudged []string          `json:"unjudged,omitempty"`
		Digests  map[string]string `json:"digests,omitempty"`
		Judged   []string          `json:"judged,omitempty"`
	}{v.word(), v.findings, v.ignored, v.unjudged, v.digests, v.judged}
	if out.Findings == nil {
		out.Findings = []finding.Finding{}
	}
	return writeJSON(w, out)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
