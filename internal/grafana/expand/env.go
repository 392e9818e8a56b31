// Package expand replaces ${NAME}, $__env{NAME}, $__file{PATH} and $NAME as Grafana does, in YAML and in grafana.ini,
// in time linear in the length of a value.
package expand

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Env supplies the values for an expansion. The zero Env is the process's own environment, which is not Grafana's.
type Env struct {
	// Same says that this process sees the same environment and files as Grafana. Otherwise the
	// value of a variable is unknown, and a file that is missing here may exist there.
	Same bool
	// LookupEnv is os.LookupEnv when nil.
	LookupEnv func(string) (string, bool)
	// ReadFile reads the file of $__file{}; nil: a bounded read of a regular file.
	ReadFile func(string) ([]byte, error)
	// Hostname is os.Hostname when nil.
	Hostname func() (string, error)
}

// maxFile is the most that $__file{} reads, in bytes: such files hold passwords and certificates.
const maxFile = 1 << 20

// ErrUnusual is returned for anything but a small regular file. Grafana may still be able to read it.
var ErrUnusual = errors.New("not a regular file of at most 1 MiB")

// Lookup is a variable's value; empty when it is not set. Grafana treats both the same.
func (e *Env) Lookup(name string) string {
	lookup := e.LookupEnv
	if lookup == nil {
		lookup = os.LookupEnv
	}
	if v, set := lookup(name); set {
		return v
	}
	return ""
}

// Variable is the value of ${NAME} and $__env{NAME}. When HOSTNAME is not set, it is the host's name.
func (e *Env) Variable(name string) string {
	if v := e.Lookup(name); v != "" || name != "HOSTNAME" {
		return v
	}
	hostname := e.Hostname
	if hostname == nil {
		hostname = os.Hostname
	}
	h, _ := hostname()
	return h
}

// File is the contents of a file.
func (e *Env) File(path string) ([]byte, error) {
	if e.ReadFile != nil {
		return e.ReadFile(path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("read %s: is a directory", path)
	case !info.Mode().IsRegular() || info.Size() > maxFile: // opening a pipe or a device could block forever
		return nil, ErrUnusual
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b, nil
}
