package ini

import (
	"errors"
	"fmt"
	"io"
	"os"

	"reloader/internal/finding"
)

// Options say what is known of the server that reads the file.
type Options struct {
	// File is the file's name in findings.
	File string
	// Version is the server's version ("12.4.0"); empty means the newest.
	Version string
	// SameEnv says that this process sees the server's environment and files.
	SameEnv bool
	// LookupEnv is os.LookupEnv when nil.
	LookupEnv func(string) (string, bool)
	// ReadFile serves $__file{}; a bounded read of a regular file when nil.
	ReadFile func(string) ([]byte, error)
	// Running is what the server was last proven to run; nil when that is not known.
	Running *finding.Outline
}

func (o Options) getenv(name string) string {
	if v, ok := o.lookup(name); ok {
		return v
	}
	return ""
}

func (o Options) lookup(name string) (string, bool) {
	if o.LookupEnv != nil {
		return o.LookupEnv(name)
	}
	return os.LookupEnv(name)
}

// maxFile bounds, in bytes, what $__file{} reads: these are passwords and certificates.
const maxFile = 1 << 20

var errNotSmallRegular = errors.New("not a regular file of at most 1 MiB")

func (o Options) readFile(path string) ([]byte, error) {
	if o.ReadFile != nil {
		return o.ReadFile(path)
	}
	// Looked at before it is opened: opening a pipe would block.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, errNotSmallRegular
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
