package watch

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"reloader/internal/snapshot"
)

// maxDirs limits the directories watched for one subscription; polling covers the rest.
const maxDirs = 4096

var errTooMany = errors.New("too many directories to watch")

// dirID identifies a directory, whatever its path is.
type dirID struct{ dev, ino uint64 }

// node is a directory to be watched.
type node struct {
	path string
	subs map[*Subscription]struct{}
	// names are single names that matter in it, and the subscriptions to which they matter. A directory
	// above a wanted one can be busy, such as /tmp.
	names map[string]map[*Subscription]struct{}
}

// plan is what should be watched now. Directories reached by several paths are watched once.
type plan struct {
	nodes map[dirID]*node
	paths map[string]*node
	// left is why something is not in the plan.
	left error
}

func newPlan() plan { return plan{nodes: map[dirID]*node{}, paths: map[string]*node{}} }

// makePlan makes the plan for one subscription from the file system as it is now.
func makePlan(s *Subscription, dirs []string) plan {
	p := newPlan()
	w := walk{plan: &p, sub: s, seen: map[dirID]bool{}}
	for _, dir := range dirs {
		w.wanted(dir)
	}
	return p
}

// merge adds what another subscription needs.
func (p *plan) merge(o plan) {
	for id, n := range o.nodes {
		into := p.node(id, n.path)
		maps.Copy(into.subs, n.subs)
		for name, subs := range n.names {
			if into.names[name] == nil {
				into.names[name] = map[*Subscription]struct{}{}
			}
			maps.Copy(into.names[name], subs)
		}
	}
	if o.left != nil {
		p.left = o.left
	}
}

func (p *plan) node(id dirID, path string) *node {
	n := p.nodes[id]
	if n == nil {
		n = &node{path: path, subs: map[*Subscription]struct{}{}, names: map[string]map[*Subscription]struct{}{}}
		p.nodes[id] = n
		p.paths[path] = n
	}
	return n
}

// interested returns the subscriptions to which a change of name in the directory matters.
func (n *node) interested(name string) []*Subscription {
	var subs []*Subscription
	// Names with two dots are never visible: they are the kubelet's work in progress. Its rename to ..data is the commit.
	if !strings.HasPrefix(name, "..") || name == snapshot.DataLink {
		for s := range n.subs {
			subs = append(subs, s)
		}
	}
	for s := range n.names[name] {
		subs = append(subs, s)
	}
	return subs
}

// isGeneration recognises the directory that the kubelet creates and fills before it renames ..data to point there.
func isGeneration(name string) bool { return strings.HasPrefix(name, "..2") }

// walk finds the directories of one subscription.
type walk struct {
	plan *plan
	sub  *Subscription
	seen map[dirID]bool
	// linked counts links that lead out of a volume.
	linked int
}

// wanted plans a directory that the subscription names: the tree below it, or, while it is missing, the
// nearest existing directory above it. Links in its path are watched where they are.
func (w *walk) wanted(dir string) {
	w.links(dir)
	w.tree(dir)
}

// links plans to watch everything that can change in a path: links, and missing names.
func (w *walk) links(path string) {
	for p := path; ; p = filepath.Dir(p) {
		parent := filepath.Dir(p)
		if parent == p {
			return
		}
		if st, err := os.Lstat(p); err != nil || st.Mode()&os.ModeSymlink != 0 {
			w.name(parent, filepath.Base(p))
		}
	}
}

// behind plans to watch what a link leads to, which may be in another volume: each link on the way, and the name of the
// file at the end.
func (w *walk) behind(link string) {
	if w.linked++; w.linked > maxDirs {
		w.plan.left = fmt.Errorf("%s: %w: more than %d links", link, errTooMany, maxDirs)
		return
	}
	for range maxLinks {
		to, err := os.Readlink(link)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(link))
			if err != nil {
				return
			}
			to = filepath.Join(dir, to)
		}
		link = to
		w.links(link)
	}
	if isFile(link) {
		w.name(filepath.Dir(link), filepath.Base(link))
	}
}

// maxLinks is how many links the kernel follows in one path.
const maxLinks = 40

// name plans to watch one name in a directory, if the directory exists.
func (w *walk) name(dir, name string) {
	id, err := identify(dir)
	if err != nil {
		return
	}
	n := w.plan.node(id, dir)
	if n.names[name] == nil {
		n.names[name] = map[*Subscription]struct{}{}
	}
	n.names[name][w.sub] = struct{}{}
}

// tree plans a directory and all directories below it, and returns its entries, sorted by name. What cannot be
// read is left out: the reader of the contents will report it.
func (w *walk) tree(dir string) []os.DirEntry {
	id, err := identify(dir)
	if err != nil || w.seen[id] {
		return nil
	}
	if len(w.seen) >= maxDirs {
		w.plan.left = fmt.Errorf("%s: %w: more than %d", dir, errTooMany, maxDirs)
		return nil
	}
	w.seen[id] = true
	w.plan.node(id, dir).subs[w.sub] = struct{}{}
	entries, err := readDir(dir)
	if err != nil || snapshot.IsDatabase(entries) {
		return entries
	}
	// The current generation is watched in case someone edits its files in place.
	var payload []os.DirEntry
	if _, ok := find(entries, snapshot.DataLink); ok {
		payload = w.tree(filepath.Join(dir, snapshot.DataLink))
	}
	for _, e := range entries {
		if !mayBeDir(e) || isPayloadFile(payload, e) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if e.Type()&os.ModeSymlink != 0 {
			w.behind(path)
		}
		w.tree(path)
	}
	return entries
}

// readDir is os.ReadDir, but does not block on a fifo that has taken the directory's place.
func readDir(dir string) ([]os.DirEntry, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// isPayloadFile recognises a volume's link to one of its files without following it: a
// volume can have thousands of them, and is planned again after each swap.
func isPayloadFile(payload []os.DirEntry, link os.DirEntry) bool {
	file, ok := find(payload, link.Name())
	return ok && file.Type().IsRegular() && link.Type()&os.ModeSymlink != 0
}

func find(sorted []os.DirEntry, name string) (os.DirEntry, bool) {
	i, ok := slices.BinarySearchFunc(sorted, name, func(e os.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
	if !ok {
		return nil, false
	}
	return sorted[i], true
}

// mayBeDir leaves out what no snapshot contains: hidden directories and old generations.
func mayBeDir(e os.DirEntry) bool {
	return !strings.HasPrefix(e.Name(), ".") && e.Type()&(os.ModeDir|os.ModeSymlink) != 0
}

// identify follows links. Only a directory has an identity here.
func identify(dir string) (dirID, error) {
	st, err := os.Stat(dir)
	if err != nil {
		return dirID{}, err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !st.IsDir() {
		return dirID{}, &os.PathError{Op: "watch", Path: dir, Err: syscall.ENOTDIR}
	}
	return dirID{dev: uint64(sys.Dev), ino: sys.Ino}, nil
}

func cleaned(dirs []string) []string {
	out := make([]string, 0, len(dirs))
	for _, d := range dirs {
		if abs, err := filepath.Abs(d); err == nil {
			d = abs
		}
		out = append(out, filepath.Clean(d))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isFile reports whether the path is a regular file; false if it is gone: it may have been anything.
func isFile(path string) bool {
	st, err := os.Lstat(path)
	return err == nil && st.Mode().IsRegular()
}
