package validator

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/confine"
	"reloader/internal/finding"
	"reloader/internal/prometheus/references"
)

// external asks a promtool. promtool reads files, so these very bytes are first written into a private
// directory with the layout of the server.
func (v *Validator) external(ctx context.Context, req finding.Request, files []viewed, main int) (finding.Result, error) {
	tmp, err := os.MkdirTemp("", "reloader-check-")
	if err != nil {
		return finding.Result{}, &JudgeError{Program: v.opts.External, Reason: confine.ReasonStart, Err: err}
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	lay, err := layOut(tmp, req, files)
	if err != nil {
		return finding.Result{}, &JudgeError{Program: v.opts.External, Reason: confine.ReasonStart, Err: err}
	}
	fs, absent, err := v.promtool(ctx, lay, checkConfigArgs(req, lay.paths[main]), files[main].user)
	if err != nil {
		return finding.Result{}, err
	}
	if absent {
		// A file that is missing here may exist on the server: judge the rest without checking for files.
		syntax, _, err := v.promtool(ctx, lay, append(checkConfigArgs(req, lay.paths[main]), "--syntax-only"), files[main].user)
		if err != nil {
			return finding.Result{}, err
		}
		rules, err := v.rulesAlone(ctx, lay, files, main)
		if err != nil {
			return finding.Result{}, err
		}
		fs = append(append(fs, syntax...), rules...)
	}
	res := finding.Result{Findings: fs}
	if len(bytes.TrimSpace(files[main].content)) == 0 {
		res.Outline = &finding.Outline{}
	}
	return res, nil
}

func checkConfigArgs(req finding.Request, file string) []string {
	args := []string{"check", "config"}
	if req.Facts.Agent {
		args = append(args, "--agent")
	}
	return append(args, file)
}

// rulesAlone judges the rule files that the main file names.
func (v *Validator) rulesAlone(ctx context.Context, lay layout, files []viewed, main int) ([]finding.Finding, error) {
	args := []string{"check", "rules"}
	named, _ := references.Scan(files[main].content) // promtool reports errors in the main file
	for i, f := range files {
		if slices.ContainsFunc(named.RuleFiles, func(pattern string) bool {
			if !path.IsAbs(pattern) {
				pattern = path.Join(path.Dir(files[main].server), pattern)
			}
			ok, err := path.Match(path.Clean(pattern), f.server)
			return ok && err == nil
		}) {
			args = append(args, lay.paths[i])
		}
	}
	if len(args) == 2 {
		return nil, nil
	}
	fs, _, err := v.promtool(ctx, lay, args, "")
	return fs, err
}

// promtool runs the external validator once. Exit codes 0 and 1 are verdicts (3 is about style).
// absent means that it complains only about files that do not exist here; these findings are warnings.
func (v *Validator) promtool(ctx context.Context, lay layout, args []string, main string) (fs []finding.Finding, absent bool, err error) {
	out, err := v.run(ctx, confine.Job{Program: v.opts.External, Args: args, Memory: confine.Room(v.opts.MemoryLimit)})
	if err != nil {
		return nil, false, err
	}
	fs = parsePromtool(out.Merged, lay.users, main)
	for i := range fs {
		// The path of a file that was not written here becomes the server's path.
		fs[i].Message = strings.ReplaceAll(fs[i].Message, lay.dir, "")
	}
	switch out.Code {
	case 0, 3:
		for i := range fs {
			fs[i].Severity = finding.Warning
		}
		return fs, false, nil
	case 1:
	default:
		return nil, false, &JudgeError{Program: v.opts.External, Reason: confine.ReasonDied, Stderr: cleaned(out.Stderr), Err: fmt.Errorf("exit code %d", out.Code)}
	}
	if len(fs) == 0 {
		fs = []finding.Finding{{File: main, Severity: finding.Error, Rule: RuleExternal, Message: "the external validator refuses the files without saying why"}}
	}
	if slices.ContainsFunc(fs, func(f finding.Finding) bool {
		return !strings.Contains(f.Message, "no such file or directory") && !strings.Contains(f.Message, "does not point to an existing file")
	}) {
		return fs, false, nil
	}
	for i := range fs {
		fs[i].Severity, fs[i].Rule = finding.Warning, RuleMissingFile
	}
	return fs, true, nil
}

// layout says where the files of a set were written.
type layout struct {
	dir   string
	paths []string
	// users maps where a file was written to the user's path.
	users map[string]string
}

// layOut writes the files below tmp with their paths on the server. Absolute paths of visible
// directories in the files are changed to those of the copies; line numbers stay the same.
func layOut(tmp string, req finding.Request, files []viewed) (layout, error) {
	var renames []string
	for _, s := range req.Set.Snapshots {
		if dir := s.Source.ServerPath(""); path.IsAbs(dir) && dir != "/" {
			renames = append(renames, dir+"/", tmp+dir+"/")
		}
	}
	renamed := strings.NewReplacer(renames...)
	lay := layout{dir: tmp, paths: make([]string, len(files)), users: map[string]string{}}
	for i, f := range files {
		to := filepath.Join(tmp, filepath.FromSlash(f.server))
		if !f.held || !strings.HasPrefix(to, tmp+string(filepath.Separator)) {
			return layout{}, fmt.Errorf("the contents of %s are not available", f.user)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return layout{}, err
		}
		if err := os.WriteFile(to, []byte(renamed.Replace(string(f.content))), 0o600); err != nil {
			return layout{}, err
		}
		lay.paths[i], lay.users[to] = to, f.user
	}
	return lay, nil
}
