package gate

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"reloader/internal/snapshot"
)

const (
	stateDir    = "..reloader" // the writer's own notes
	lockName    = "..reloader/lock"
	tempMark    = "..reloader_" // prefix of every temporary link
	accepted    = ".accepted"   // suffix of an accepted generation's mark
	halfWritten = ".tmp"        // suffix of a note that is being written
	layout      = "..2006_01_02_15_04_05"
)

// Generation is one complete state of the directory.
type Generation struct {
	// Name is its directory, next to ..data.
	Name string
	// Sequence counts the generations of this directory. It orders them even when the clock jumps.
	Sequence uint64
	// Digest is the digest of the set that it was made from.
	Digest snapshot.Digest
	// Accepted means that the server was proven to run it.
	Accepted bool
	// Written is how many bytes of files were written for it. The rest is shared with older generations.
	Written int64
	// Fresh is how many of its Files were written for it.
	Fresh, Files int
}

// note is the record of a generation in the state directory. Its size does not depend on the tree, so
// the cost of a change does not grow with the tree.
type note struct {
	Version  int             `json:"version"`
	Sequence uint64          `json:"sequence"`
	Digest   snapshot.Digest `json:"digest"`
	// Tree is the digest of the names and contents of the files in the generation's directory.
	Tree    snapshot.Digest `json:"tree"`
	Written int64           `json:"written"`
	Fresh   int             `json:"fresh"`
	Files   int             `json:"files"`
}

// noteVersion is the version of the notes' format. A note with an unknown version is ignored.
const noteVersion = 1

// generation is a Generation with what is known about its files.
type generation struct {
	Generation
	tree snapshot.Digest
	// files is nil until the generation was written or checked by this process.
	files map[string]entry
}

// entry is a file of a generation as this process wrote or checked it.
type entry struct {
	digest  snapshot.Digest
	size    int64
	mode    fs.FileMode
	modTime time.Time
}

// treeDigest covers the names and digests of files.
func treeDigest(files map[string]entry) snapshot.Digest {
	h := sha256.New()
	for _, name := range sortedKeys(files) {
		d := files[name].digest
		fmt.Fprintf(h, "%s\x00%x\n", name, d[:])
	}
	var sum snapshot.Digest
	h.Sum(sum[:0])
	return sum
}

// tops returns the names at the top level of a tree, sorted.
func tops(files map[string]entry) []string {
	var out []string
	for name := range files {
		top, _, _ := strings.Cut(name, "/")
		out = append(out, top)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isGeneration reports whether a name has the form that this package and the kubelet give to generations.
func isGeneration(name string) bool {
	if len(name) < len(layout)+2 || name[len(layout)] != '.' {
		return false
	}
	if _, err := time.Parse(layout, name[:len(layout)]); err != nil {
		return false
	}
	return strings.Trim(name[len(layout)+1:], "0123456789") == ""
}

// writeNote records that a generation is complete.
func (g *Gate) writeNote(gen *generation) error {
	data, err := json.Marshal(note{
		Version: noteVersion, Sequence: gen.Sequence, Digest: gen.Digest, Tree: gen.tree,
		Written: gen.Written, Fresh: gen.Fresh, Files: gen.Files,
	})
	if err != nil {
		return fmt.Errorf("encode the note of %q: %w", gen.Name, err)
	}
	return g.replace(path.Join(stateDir, gen.Name), data)
}

// readNotes returns the generations that are recorded as complete, oldest first. It ignores a note that cannot be
// used.
func (g *Gate) readNotes() ([]*generation, error) {
	entries, err := g.disk.list(stateDir)
	if err != nil {
		return nil, err
	}
	var gens []*generation
	for _, e := range entries {
		gen, err := g.readNote(e.Name())
		if err == nil {
			_, err = g.disk.root.Lstat(path.Join(stateDir, gen.Name+accepted))
			gen.Accepted = err == nil
			gens = append(gens, gen)
		}
		if lacking(err) {
			return nil, err
		}
	}
	slices.SortFunc(gens, func(a, b *generation) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return gens, nil
}

// readNote reads one note; the directory of its generation must exist.
func (g *Gate) readNote(name string) (*generation, error) {
	if !isGeneration(name) {
		return nil, fmt.Errorf("note %q: not the name of a generation", name)
	}
	data, err := g.disk.read(path.Join(stateDir, name), maxNote)
	if err != nil {
		return nil, err
	}
	var n note
	if err := json.Unmarshal(data, &n); err != nil {
		return nil, fmt.Errorf("decode note %q: %w", name, err)
	}
	if n.Version != noteVersion {
		return nil, fmt.Errorf("note %q: unknown version %d", name, n.Version)
	}
	info, err := g.disk.root.Lstat(name)
	if lacking(err) {
		return nil, err
	}
	if err != nil || !info.IsDir() {
		return nil, fmt.Errorf("note %q: its directory is missing", name)
	}
	return &generation{
		Generation: Generation{
			Name: name, Sequence: n.Sequence, Digest: n.Digest, Written: n.Written, Fresh: n.Fresh, Files: n.Files,
		},
		tree: n.Tree,
	}, nil
}

// forget removes a generation's note. Then a crash in the middle of removing the generation leaves
// nothing that looks complete.
func (g *Gate) forget(name string) error {
	if err := g.disk.remove(path.Join(stateDir, name)); err != nil {
		return err
	}
	if err := g.disk.remove(path.Join(stateDir, name+accepted)); err != nil {
		return err
	}
	return g.disk.sync(stateDir)
}

// inspect reads a generation's files and checks that they are what was published.
func (g *Gate) inspect(gen *generation) error {
	files := map[string]entry{}
	if err := g.scan(gen.Name, "", files); err != nil {
		return err
	}
	if treeDigest(files) != gen.tree {
		return fmt.Errorf("check generation %q: its files are not the ones that were published", gen.Name)
	}
	gen.files = files
	return nil
}

func (g *Gate) scan(dir, prefix string, files map[string]entry) error {
	entries, err := g.disk.list(path.Join(dir, prefix))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(prefix, e.Name())
		full := path.Join(dir, name)
		switch {
		case e.IsDir():
			if err := g.scan(dir, name, files); err != nil {
				return err
			}
		case e.Type().IsRegular():
			file, err := g.disk.digest(full)
			if err != nil {
				return err
			}
			files[name] = file
		default:
			return fmt.Errorf("check %q: it is neither a file nor a directory", full)
		}
	}
	return nil
}
