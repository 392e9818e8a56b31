package gate

import (
	"syscall"
	"testing"
)

// While this process can open no more files, or only a few, neither a look nor a start shows anything about the disk: no generation is
// lost, and none counts as changed by someone else.
func TestLooksWithFewDescriptors(t *testing.T) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	older, newer := tree{"a/b/c/d/e/f/prometheus.yml": "1"}, tree{"a/b/c/d/e/f/prometheus.yml": "2"}
	failed, opened := 0, 0
	for limit := uint64(3); limit < 40; limit++ {
		var told []string
		dir := t.TempDir()
		g := mustOpen(t, dir, Options{Repaired: collect(&told)})
		for _, tr := range []tree{older, newer} {
			mustPublish(t, g, tr.set())
			if err := g.Accept(tr.set().Digest); err != nil {
				t.Fatal(err)
			}
		}
		withFew := func(do func() error) (err error) {
			few := was
			few.Cur = limit
			if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
					t.Fatal(err)
				}
			}()
			return do()
		}
		err := withFew(func() error { _, err := g.Look(); return err })
		if d := g.Current(); err != nil || d != newer.set().Digest || g.LastAccepted() != d {
			t.Errorf("a look with %d descriptors: the gate holds %s and goes back to %s: %v", limit, d.Short(), g.LastAccepted().Short(), err)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		err = withFew(func() error {
			g, err := Open(dir, Options{Repaired: collect(&told)})
			if err == nil {
				err = g.Close()
			}
			return err
		})
		if err != nil {
			failed++
		} else {
			opened++
		}
		g = mustOpen(t, dir, Options{Repaired: collect(&told)})
		if d := g.Current(); d != newer.set().Digest || g.LastAccepted() != d || len(told) > 0 {
			t.Errorf("after a start with %d descriptors (%v): the gate holds %s and goes back to %s, told %q", limit, err, d.Short(), g.LastAccepted().Short(), told)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if failed == 0 || opened == 0 {
		t.Errorf("%d starts failed and %d did not: no start had a few descriptors", failed, opened)
	}
}
