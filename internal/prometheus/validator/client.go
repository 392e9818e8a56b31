package validator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"reloader/internal/confine"
	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Options say how Prometheus' files are judged. The zero value of every field but Main means its default.
type Options struct {
	// Main is the path of the main file for this process; the file must be in one of the sources.
	Main string
	// Program is the path of promcheck; empty means next to this program, then in PATH.
	Program string
	// External is the path of a promtool to use instead of promcheck.
	External string
	// Timeout bounds one verdict; default 30 s.
	Timeout time.Duration
	// MemoryLimit bounds the memory of the process, in bytes; default 1 GiB.
	MemoryLimit int64
}

// Defaults of Options.
const (
	DefaultTimeout     = 30 * time.Second
	DefaultMemoryLimit = 1 << 30
)

// Validator asks promcheck, or the external validator. It remembers the verdict on unchanged rule
// files, and is safe for concurrent use.
type Validator struct {
	opts     Options
	verdicts ruleCache
}

// New returns the validator of Prometheus' files.
func New(opts Options) *Validator {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.MemoryLimit <= 0 {
		opts.MemoryLimit = DefaultMemoryLimit
	}
	return &Validator{opts: opts}
}

// Validate implements finding.Validator. An error is a *JudgeError or the context's: there is no verdict.
func (v *Validator) Validate(ctx context.Context, req finding.Request) (finding.Result, error) {
	if req.Set == nil {
		return finding.Result{}, errors.New("validate prometheus files: no files were given")
	}
	files, main := v.view(req.Set)
	if main < 0 {
		return finding.Result{Findings: []finding.Finding{noMain(v.opts.Main)}}, nil
	}
	res, open, err := v.alone(ctx, req, files, main)
	if err != nil {
		return finding.Result{}, fmt.Errorf("validate prometheus files: %w", err)
	}
	settle(ctx, &res, open, req.Facts)
	sayUnreadable(res.Findings, req.Set)
	res.Findings = append(res.Findings, guards(files[main], req, res)...)
	finding.Sort(res.Findings)
	return res, nil
}

// noMain is the finding about a main file that is not there.
func noMain(file string) finding.Finding {
	f := finding.Finding{
		File: file, Severity: finding.Error, Rule: RuleConfigMissing,
		Message: "the main file does not exist", Hint: "check --prometheus-config and the keys of the ConfigMap",
	}
	if to, err := os.Readlink(file); err == nil {
		f.Message = fmt.Sprintf("the main file is a link to %q, where reloader finds nothing", to)
		f.Hint = "correct the link, or mount what it leads to into reloader's container"
	}
	return f
}

// alone judges without the server, one set at a time. That also guards v.verdicts.
func (v *Validator) alone(ctx context.Context, req finding.Request, files []viewed, main int) (finding.Result, []question, error) {
	done, err := confine.Turn(ctx)
	if err != nil {
		return finding.Result{}, nil, err
	}
	defer done()
	ctx, cancel := context.WithTimeoutCause(ctx, v.opts.Timeout, errDeadline)
	defer cancel()
	if v.opts.External != "" {
		res, err := v.external(ctx, req, files, main)
		return res, nil, err
	}
	return v.judge(ctx, req, files, main)
}

// viewed is a file of the set with its two paths.
type viewed struct {
	user, server string
	file         snapshot.File
	content      []byte
	held         bool
}

// view lists the files of the set, each server path once, and the index of the main file; -1 if it is missing.
func (v *Validator) view(set *snapshot.Set) (files []viewed, main int) {
	main = -1
	files = make([]viewed, 0, set.Len())
	seen := make(map[string]bool, set.Len())
	want := filepath.Clean(v.opts.Main)
	for _, s := range set.Snapshots {
		for _, f := range s.Files {
			vf := viewed{user: s.Source.UserPath(f.Name), file: f}
			if vf.server = vf.user; s.Source.ServerDir != "" {
				vf.server = s.Source.ServerPath(f.Name)
			}
			if seen[vf.server] {
				continue
			}
			seen[vf.server] = true
			vf.content, vf.held = s.Bytes(f.Name)
			if vf.user == want {
				main = len(files)
			}
			files = append(files, vf)
		}
	}
	return files, main
}

// judge asks promcheck, and a second time if it needs files whose verdict seemed to be known.
func (v *Validator) judge(ctx context.Context, req finding.Request, files []viewed, main int) (finding.Result, []question, error) {
	need := map[int]bool{}
	for range 2 {
		q, err := v.question(req, files, main, need)
		if err != nil {
			return finding.Result{}, nil, err
		}
		a, err := v.ask(ctx, q)
		if err != nil {
			return finding.Result{}, nil, err
		}
		if len(a.Need) == 0 {
			res, open := v.result(q, a, files, req.Set)
			if a.Broken && !finding.HasErrors(res.Findings) {
				return finding.Result{}, nil, badAnswer("it reports the main file as broken and names no error")
			}
			// Nothing could be proven about a server that runs such files.
			if a.Expected == nil && !a.Untold && !finding.HasErrors(res.Findings) {
				return finding.Result{}, nil, badAnswer("it calls the files good and does not say what a server shows of them")
			}
			return res, open, nil
		}
		for _, i := range a.Need {
			need[i] = true
		}
	}
	return finding.Result{}, nil, badAnswer("it asks for the same files again")
}

func (v *Validator) question(req finding.Request, files []viewed, main int, need map[int]bool) (*Question, error) {
	q := &Question{
		Protocol: Protocol, TimeoutMillis: v.opts.Timeout.Milliseconds(), Key: finding.FingerprintKey(), Main: main,
		Version: req.Facts.Version, Agent: req.Facts.Agent, Features: req.Facts.Features, Web: req.Facts.WebConfig, Offline: req.Offline,
		Files: make([]File, len(files)), Links: map[string]string{},
	}
	for _, s := range req.Set.Snapshots {
		if s.Source.Followed && len(s.Files) == 0 && !s.Atomic {
			continue // empty and not named by the user: most likely the mount point of a volume that only the server mounts
		}
		dir := s.Source.ServerPath("")
		q.Dirs = append(q.Dirs, dir)
		if s.Atomic {
			q.Atomic = append(q.Atomic, dir)
		}
		for _, m := range s.Missing {
			if m.Reason != snapshot.ReasonUnlinked && len(q.Broken) < MaxBroken {
				q.Broken = append(q.Broken, s.Source.ServerPath(m.Name))
				if to, err := os.Readlink(s.Source.UserPath(m.Name)); err == nil {
					q.Links[s.Source.ServerPath(m.Name)] = to
				}
			}
		}
	}
	q.Scheme = v.verdicts.use(factsKey(req))
	for i, f := range files {
		q.Files[i] = File{Path: f.server, Size: int64(len(f.content)), Content: f.content}
		if _, ok := v.verdicts.get(f.file.Digest); ok && i != main && !need[i] {
			q.Files[i].Size, q.Files[i].Content = Known, nil
		} else if !f.held {
			return nil, fmt.Errorf("the contents of %s were forgotten", f.user)
		}
	}
	return q, nil
}

// result turns an answer into findings with the user's paths, and remembers rule files.
func (v *Validator) result(q *Question, a *Answer, files []viewed, set *snapshot.Set) (res finding.Result, open []question) {
	add := func(file string, fs []Finding) {
		for _, f := range fs {
			if f.Query != "" {
				open = append(open, question{finding: len(res.Findings), query: f.Query})
			}
			res.Findings = append(res.Findings, f.of(file))
		}
	}
	byFile := map[int][]Finding{}
	for _, f := range a.Findings {
		byFile[f.File] = append(byFile[f.File], f)
	}
	judged := map[int]bool{}
	for _, r := range a.Rules {
		judged[r.File] = true
		v.verdicts.put(files[r.File].file.Digest, known{findings: byFile[r.File], groups: r.Groups})
	}
	unused := map[int]bool{}
	for _, i := range a.Unused {
		unused[i] = true
	}
	outline := &finding.Outline{Items: a.Items}
	for i, f := range files {
		wasKnown := q.Files[i].Size == Known && !unused[i]
		if !wasKnown {
			add(f.user, byFile[i])
		}
		if !wasKnown && !judged[i] {
			continue
		}
		k := v.verdicts.keep(f.file.Digest)
		if wasKnown {
			add(f.user, k.findings)
			// Add new findings about it.
			add(f.user, slices.DeleteFunc(byFile[i], func(f Finding) bool {
				f.File = 0 // as in the cache
				return slices.Contains(k.findings, f)
			}))
		}
		for _, g := range k.groups {
			outline.Items = append(outline.Items, finding.Item{Kind: KindGroup, Name: f.server + ";" + g.Name, Fingerprint: g.Fingerprint})
		}
	}
	if e := v.expected(q, a, files); e != nil && !certain(res.Findings, open) {
		res.Expected = e
		res.Findings = append(res.Findings, unread(e, set)...)
	}
	v.verdicts.turn(a.Scheme)
	if !a.Broken {
		res.Outline = outline
	}
	return res, open
}

// certain reports whether there are errors that the server need not be asked about.
func certain(found []finding.Finding, open []question) bool {
	n := finding.Count(found, finding.Error)
	for _, o := range open {
		if found[o.finding].Severity == finding.Error {
			n--
		}
	}
	return n > 0
}

// program finds promcheck.
func (v *Validator) program() (string, error) {
	if v.opts.Program != "" {
		return v.opts.Program, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "promcheck")
		if st, err := os.Stat(beside); err == nil && st.Mode().IsRegular() {
			return beside, nil
		}
	}
	p, err := exec.LookPath("promcheck")
	if err != nil {
		return "", &JudgeError{Reason: confine.ReasonStart, Err: errors.New("promcheck is neither beside this program nor in PATH")}
	}
	return p, nil
}
