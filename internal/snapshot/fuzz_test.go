package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tape turns fuzz input into decisions; at its end everything is 0.
type tape struct{ b []byte }

func (p *tape) next(n int) int {
	if len(p.b) == 0 {
		return 0
	}
	v := int(p.b[0]) % n
	p.b = p.b[1:]
	return v
}

var fuzzNames = []string{"a.yml", "b.yml", ".c.yaml", "d/e.yml", "d/f.yml", "g/h/i.yml", "..j", "k"}

// FuzzTakeVolume: whatever is published, and whenever the swaps happen, the reading is one of the published states.
func FuzzTakeVolume(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 3, 7, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	f.Add([]byte{0, 255, 15, 240, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0, 9})
	f.Add([]byte("1230000000000000000001111111111111111222222222222222222"))
	f.Fuzz(func(t *testing.T, input []byte) {
		p := &tape{input}
		state := func(generation int) map[string]string {
			files := map[string]string{}
			for bits, i := p.next(256), 0; i < len(fuzzNames); i++ {
				if bits>>i&1 == 1 && fuzzNames[i] != "..j" { // the kubelet allows no such key
					files[fuzzNames[i]] = fmt.Sprintf("generation %d", generation)
				}
			}
			return files
		}
		linksFirst := p.next(2) == 1
		states := []map[string]string{state(0)}
		k := newKubelet(t, t.TempDir(), linksFirst, states[0])
		var steps []func()
		for generation := range p.next(4) {
			states = append(states, state(generation+1))
			steps = append(steps, k.update(states[len(states)-1])...)
		}
		s, err := takeBefore(t.Context(), k.dir, func(string, string) {
			n := p.next(16)
			if len(p.b) == 0 {
				n = len(steps)
			}
			for ; n > 0 && len(steps) > 0; n-- {
				steps[0]()
				steps = steps[1:]
			}
		})
		must(t, err)
		got := contents(t, s)
		for _, want := range states {
			if maps.Equal(got, want) {
				return
			}
		}
		t.Fatalf("a mixture: %v\npublished: %v", got, states)
	})
}

// FuzzTakeTree: whatever happens to a plain tree, the reading ends, and its result is what was there when the last
// scan began.
func FuzzTakeTree(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{20, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 0, 1, 2, 3, 4, 5, 6, 7, 1, 0, 2, 4, 1, 3})
	f.Add([]byte("9b81cadf7120a8dbe37b1207d9f9e1b2a9c0f2e7a6b19d94fa10bc55a2210"))
	f.Add([]byte("A02$1011$111110"))
	f.Fuzz(func(t *testing.T, input []byte) {
		p := &tape{input}
		dir := t.TempDir()
		for range p.next(32) {
			mutate(t, p, dir)
		}
		var still *Snapshot
		s, err := takeBefore(t.Context(), dir, func(op, path string) {
			if len(p.b) > 0 && p.next(3) == 0 {
				mutate(t, p, dir)
			}
			if op == "list" && path == dir {
				still, _ = takeBefore(t.Context(), dir, nil)
			}
		})
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
				t.Fatal(err)
			}
			return
		}
		if d := cmp.Diff(contents(t, still), contents(t, s)); d != "" || s.Digest != still.Digest {
			t.Errorf("files (-there +read):\n%s", d)
		}
		if d := cmp.Diff(still.Missing, s.Missing); d != "" {
			t.Errorf("missing (-there +read):\n%s", d)
		}
	})
}

// mutate makes one random change, which may fail.
func mutate(t testing.TB, p *tape, dir string) {
	t.Helper()
	at := filepath.Join(dir, fuzzNames[p.next(len(fuzzNames))])
	other := filepath.Join(dir, fuzzNames[p.next(len(fuzzNames))])
	switch p.next(8) {
	case 0, 1:
		_ = os.MkdirAll(filepath.Dir(at), 0o755)
		if id, err := stat(at); err != nil || id.isRegular() { // opening a fifo would block
			_ = os.WriteFile(at, []byte(fmt.Sprint(len(p.b))), 0o644)
		}
	case 2:
		_ = os.RemoveAll(at)
	case 3:
		_ = os.Rename(at, other)
	case 4:
		_ = os.Symlink(other, at)
	case 5:
		_ = os.Symlink(filepath.Dir(other), at)
	case 6:
		_ = syscall.Mkfifo(at, 0o644)
	case 7:
		_ = os.Mkdir(at, 0o755)
	}
}

// FuzzParseDigest: a digest is what String prints, in lower or upper case, and nothing else.
func FuzzParseDigest(f *testing.F) {
	f.Add(DigestBytes(nil).String())
	f.Add(strings.ToUpper(DigestBytes(nil).String()))
	f.Add(strings.Repeat("0", 64))
	f.Add("12ab")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDigest(s)
		switch {
		case err != nil && !d.IsZero():
			t.Errorf("%q: digest %s with an error", s, d)
		case err == nil && !d.IsZero() && d.String() != strings.ToLower(s):
			t.Errorf("%q is read as %s", s, d)
		case err == nil && d.IsZero() && s != strings.Repeat("0", 64):
			t.Errorf("%q is read as the zero digest", s)
		}
	})
}
