// Package volume writes a directory with the system calls that the kubelet makes for a ConfigMap volume,
// in its order, and returns the moment of the commit.
package volume

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Volume is a directory in the kubelet's layout. It has one writer.
type Volume struct {
	Dir string

	tb    testing.TB
	data  string // the directory that ..data names
	names map[string]bool
	count int
}

// New makes dir and its first generation. Errors end the test, here and later.
func New(tb testing.TB, dir string, files map[string]string) *Volume {
	tb.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	v := &Volume{Dir: dir, tb: tb, names: map[string]bool{}}
	v.Swap(files)
	return v
}

// Open continues with a directory that New made, even if it was renamed.
func Open(tb testing.TB, dir string) *Volume {
	tb.Helper()
	v := &Volume{Dir: dir, tb: tb, names: map[string]bool{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "..") {
			v.names[e.Name()] = true
		}
	}
	if v.data, err = os.Readlink(filepath.Join(dir, "..data")); err != nil {
		tb.Fatal(err)
	}
	if _, err := fmt.Sscanf(filepath.Ext(v.data), ".%d", &v.count); err != nil {
		tb.Fatal(err)
	}
	return v
}

// Swap replaces all files at once and returns the moment just before the rename that commits them.
func (v *Volume) Swap(files map[string]string) (committed time.Time) {
	v.tb.Helper()
	committed, err := v.swap(files)
	if err != nil {
		v.tb.Fatal(err)
	}
	return committed
}

// swap has the order of kubelet 1.36: new visible links are made and old ones removed after the rename.
func (v *Volume) swap(files map[string]string) (time.Time, error) {
	v.count++
	data := fmt.Sprintf("..%s.%09d", time.Now().Format("2006_01_02_15_04_05"), v.count)
	if err := os.Mkdir(filepath.Join(v.Dir, data), 0o755); err != nil {
		return time.Time{}, err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(v.Dir, data, name), []byte(text), 0o644); err != nil {
			return time.Time{}, err
		}
	}
	tmp := filepath.Join(v.Dir, "..data_tmp")
	if err := os.Symlink(data, tmp); err != nil {
		return time.Time{}, err
	}
	committed := time.Now()
	if err := os.Rename(tmp, filepath.Join(v.Dir, "..data")); err != nil {
		return time.Time{}, err
	}
	return committed, v.tidy(data, files)
}

// tidy does what the kubelet does after the commit.
func (v *Volume) tidy(data string, files map[string]string) error {
	for name := range files {
		if v.names[name] {
			continue
		}
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(v.Dir, name)); err != nil {
			return err
		}
		v.names[name] = true
	}
	for name := range v.names {
		if _, ok := files[name]; ok {
			continue
		}
		if err := os.Remove(filepath.Join(v.Dir, name)); err != nil {
			return err
		}
		delete(v.names, name)
	}
	old := v.data
	v.data = data
	if old == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(v.Dir, old))
}
