package validator

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"reloader/internal/confine"
	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
	"reloader/internal/snapshot"
)

// expected adds the groups of all rule files, including those whose verdict was known, to what the process expects of the
// configuration. It is nil when the process reported nothing.
func (v *Validator) expected(q *Question, a *Answer, files []viewed) *proof.Expected {
	e := a.Expected
	if e == nil {
		return nil
	}
	groups := map[int][]Group{}
	for _, r := range a.Rules {
		groups[r.File] = r.Groups
	}
	offset := false
	e.Rules = make([]proof.RuleFile, 0, len(a.RulePaths))
	seen := make(map[string]bool, len(a.RulePaths))
	for _, r := range a.RulePaths {
		if seen[r.Path] {
			continue
		}
		seen[r.Path] = true
		all, ok := groups[r.File]
		if !ok {
			k, _ := v.verdicts.get(files[r.File].file.Digest)
			all = k.groups
		}
		f := proof.RuleFile{Path: r.Path}
		for _, g := range all {
			if g.Shown != nil {
				f.Groups = append(f.Groups, *g.Shown)
				offset = offset || g.Shown.Offset
			}
		}
		e.Rules = append(e.Rules, f)
	}
	if offset {
		e.Hidden = append(e.Hidden, proof.QueryOffset)
	}
	for _, i := range a.Rereads {
		e.Rereads = append(e.Rereads, files[i].server)
	}
	slices.Sort(e.Rereads)
	e.Dirs = q.Dirs
	return e
}

// compareTimeout bounds a comparison: newer files wait for its end.
const compareTimeout = 10 * time.Second

// Compare asks promcheck to compare what a server of another version shows with what was expected. The text is what the
// server printed: see c.Configuration and c.Jobs.
func (v *Validator) Compare(ctx context.Context, facts finding.Facts, text string, c Comparison) (Compared, error) {
	if v.opts.External != "" {
		return Compared{}, errors.New("the external validator cannot compare")
	}
	done, err := confine.Turn(ctx)
	if err != nil {
		return Compared{}, fmt.Errorf("compare with the server: %w", err)
	}
	defer done()
	limit := min(v.opts.Timeout, compareTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errDeadline)
	defer cancel()
	a, err := v.ask(ctx, &Question{
		Protocol: Protocol, TimeoutMillis: limit.Milliseconds(), Version: facts.Version, Agent: facts.Agent, Features: facts.Features,
		Files: []File{{Path: "/status/config", Size: int64(len(text)), Content: []byte(text)}}, Compare: &c,
	})
	if err != nil {
		return Compared{}, fmt.Errorf("compare with the server: %w", err)
	}
	if a.Compared == nil {
		return Compared{}, badAnswer("it did not compare")
	}
	return *a.Compared, nil
}

// unread warns about directories that the user named and from which the server reads no file.
func unread(e *proof.Expected, set *snapshot.Set) []finding.Finding {
	var fs []finding.Finding
	byDir := sourcesByDir(set)
	for _, u := range e.Unread {
		s := byDir[u.Dir]
		if s == nil || s.Source.Followed {
			continue
		}
		dir := s.Source.Dir
		f := finding.Finding{
			File: dir, Severity: finding.Warning, Rule: RuleUnread,
			Message: "the server reads no file in this directory: no setting names it",
			Hint:    fmt.Sprintf("name its files in the main file by the path where the server sees them, for example %q", path.Join(u.Dir, "*.yml")),
		}
		switch {
		case u.Like != "":
			f.Message = fmt.Sprintf("the server reads no file in this directory under %s; the main file names such files in %s", u.Dir, u.Like)
			f.Hint = fmt.Sprintf("if the server sees this directory there, write --prometheus-dir %s=%s", dir, u.Like)
		case u.Dir != dir:
			f.Message = fmt.Sprintf("the server reads no file in this directory: no setting names %s", u.Dir)
		}
		fs = append(fs, f)
	}
	return fs
}

// sourcesByDir are the readings of a set by their clean directory on the server; if several share one, the first.
func sourcesByDir(set *snapshot.Set) map[string]*snapshot.Snapshot {
	byDir := make(map[string]*snapshot.Snapshot, len(set.Snapshots))
	for _, s := range set.Snapshots {
		if dir := path.Clean(s.Source.ServerPath("")); byDir[dir] == nil {
			byDir[dir] = s
		}
	}
	return byDir
}
