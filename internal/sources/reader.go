package sources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Options say what a Reader reads.
type Options struct {
	// Required sources must exist, or Read fails.
	Required []snapshot.Source
	// Optional sources are left out while their directory does not exist.
	Optional []snapshot.Source
	Limits   snapshot.Limits
	// Follow finds further directories named by the files read so far; nil: none. It returns
	// false when the files are too broken to tell.
	Follow func(*snapshot.Set) ([]snapshot.Source, bool)
	// Narrow reads less of the first required source when that cannot be read as a whole; nil: the error is returned.
	Narrow func(context.Context, snapshot.Source) (*snapshot.Snapshot, error)
}

// Reader reads all sources of one target. It belongs to the target's goroutine; its methods must not run concurrently.
type Reader struct {
	Options

	followed []snapshot.Source
	absent   []string // directories of optional and followed sources that did not exist
	// denied says that a followed source could not be read for lack of permission. Only another try shows whether that changed.
	denied bool
	last   *snapshot.Set
	// change turns a reading into what is validated and published; nil: nothing is changed. With it, only raw shows
	// whether the directories still contain what was read.
	change   func(*snapshot.Snapshot) (*snapshot.Snapshot, []finding.Finding)
	raw      []*snapshot.Snapshot
	findings map[string][]finding.Finding // of change, by source
}

// New makes a reader of these sources; see Unique for sources with the same name.
func New(o Options) *Reader {
	all := Unique(slices.Concat(o.Required, o.Optional))
	o.Required, o.Optional = all[:len(o.Required)], all[len(o.Required):]
	return &Reader{Options: o}
}

// Change sets the function that changes each reading of a source, before the files that it names
// are followed: what is validated is what is published.
func (r *Reader) Change(f func(*snapshot.Snapshot) (*snapshot.Snapshot, []finding.Finding)) {
	r.change = f
}

// Findings are those of the function set by Change, for the newest reading.
func (r *Reader) Findings() []finding.Finding {
	if len(r.findings) == 0 {
		return nil
	}
	var all []finding.Finding
	for _, s := range r.last.Snapshots {
		all = append(all, r.findings[s.Source.Name]...)
	}
	return all
}

// Snap reads one source. One Read may read the same source several times, in different rounds.
func (r *Reader) Snap(ctx context.Context, src snapshot.Source) (*snapshot.Snapshot, error) {
	s, err := snapshot.Take(ctx, src, r.Limits)
	if err != nil || r.change == nil {
		return s, err
	}
	changed, found := r.change(s)
	if len(found) > 0 {
		r.findings[src.Name] = found
	} else {
		delete(r.findings, src.Name) // those of an earlier round
	}
	s.Forget()
	r.raw = append(r.raw, s)
	return changed, nil
}

// MaxRounds bounds how far files that name other files are followed: main file, scrape configuration
// file, its service discovery file.
const MaxRounds = 4

// Read reads everything again. An error means that at least one source could not be read; it wraps
// fs.ErrNotExist if no directory exists yet.
func (r *Reader) Read(ctx context.Context) (*snapshot.Set, error) {
	r.last, r.absent, r.raw, r.denied, r.findings = nil, nil, nil, false, map[string][]finding.Finding{}
	var snaps []*snapshot.Snapshot
	for i, src := range r.Required {
		s, err := r.Snap(ctx, src)
		if err != nil && i == 0 && r.Narrow != nil && tooMuch(err) {
			s, err = r.Narrow(ctx, src)
		}
		if err != nil {
			return nil, err
		}
		snaps = append(snaps, s)
	}
	var missing error
	for _, src := range r.Optional {
		s, err := r.take(ctx, src)
		if err != nil {
			return nil, err
		}
		if s == nil {
			r.absent = append(r.absent, src.Dir)
			missing = snapshot.Absent(src, &fs.PathError{Op: "stat", Path: src.Dir, Err: fs.ErrNotExist})
			continue
		}
		snaps = append(snaps, s)
	}
	if len(snaps) == 0 {
		if missing == nil {
			missing = errors.New("read sources: none are named")
		}
		return nil, missing
	}
	set, err := r.readFollowed(ctx, snaps)
	if err != nil {
		return nil, err
	}
	r.last = set
	return set, nil
}

// tooMuch reports errors that may come from files that the server does not use.
func tooMuch(err error) bool {
	return errors.Is(err, snapshot.ErrLimit) || errors.Is(err, snapshot.ErrChanging) || errors.Is(err, fs.ErrPermission)
}

// take reads one source; nil if its directory does not exist.
func (r *Reader) take(ctx context.Context, src snapshot.Source) (*snapshot.Snapshot, error) {
	s, err := r.Snap(ctx, src)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return s, err
}

// takeFollowed also returns nil for what this process is not permitted to read: the user did not name it, and
// the server may have the permission.
func (r *Reader) takeFollowed(ctx context.Context, src snapshot.Source) (*snapshot.Snapshot, error) {
	s, err := r.take(ctx, src)
	if errors.Is(err, fs.ErrPermission) {
		r.denied = true
		return nil, nil
	}
	if s == nil && err == nil {
		r.absent = append(r.absent, src.Dir)
	}
	return s, err
}

// readFollowed adds the directories that the files name, round by round.
func (r *Reader) readFollowed(ctx context.Context, snaps []*snapshot.Snapshot) (*snapshot.Set, error) {
	set := snapshot.NewSet(snaps...)
	if r.Follow == nil {
		return set, nil
	}
	read := map[string]*snapshot.Snapshot{}
	for range MaxRounds {
		// While a file is broken, the directories of its last good version are kept: half a file names half of them, and a
		// mistake must not look like removed rules.
		if found, ok := r.Follow(set); ok {
			r.followed = found
		}
		all := slices.Clone(snaps)
		grown := false
		for _, src := range r.followed {
			key := fmt.Sprintf("%#v", src)
			s, done := read[key]
			if !done {
				var err error
				if s, err = r.takeFollowed(ctx, src); err != nil {
					return nil, err
				}
				read[key], grown = s, true
			}
			if s != nil {
				all = append(all, s)
			}
		}
		set = snapshot.NewSet(all...)
		if !grown {
			break
		}
	}
	return set, nil
}

// Unchanged reports, without reading any contents, that Read would return the same as last
// time. False means that only Read can tell.
func (r *Reader) Unchanged(ctx context.Context) bool {
	if r.last == nil || r.denied {
		return false
	}
	for _, dir := range r.absent {
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return false
		}
	}
	return !slices.ContainsFunc(r.asRead(), func(s *snapshot.Snapshot) bool { return !s.Unchanged(ctx) })
}

// SameCommit reports that all sources are volumes and none was swapped since the last Read. False
// means that only Read can tell.
func (r *Reader) SameCommit() bool {
	return r.last != nil && !slices.ContainsFunc(r.asRead(), func(s *snapshot.Snapshot) bool { return !s.SameCommit() })
}

// asRead are the newest readings, unchanged.
func (r *Reader) asRead() []*snapshot.Snapshot {
	if r.change != nil {
		return r.raw
	}
	return r.last.Snapshots
}

// Dirs are the directories to watch, including those that do not exist yet. They can change with
// each Read.
func (r *Reader) Dirs() []string {
	var dirs []string
	for _, src := range slices.Concat(r.Required, r.Optional, r.followed) {
		dirs = append(dirs, src.Dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// Unique renames sources whose name is taken by an earlier one: names identify sources in digests and diffs.
func Unique(sources []snapshot.Source) []snapshot.Source {
	out := slices.Clone(sources)
	taken := map[string]bool{}
	for i := range out {
		name := out[i].Name
		for n := 2; taken[out[i].Name]; n++ {
			out[i].Name = fmt.Sprintf("%s-%d", name, n)
		}
		taken[out[i].Name] = true
	}
	return out
}
