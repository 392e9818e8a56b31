package config

import (
	"errors"

	"github.com/spf13/pflag"
)

// Check returns all mistakes in a configuration file, each with its position. path names the file in messages. Flags and
// the servers' files are not considered.
func Check(path string, content []byte) []*Error {
	f := Register(pflag.NewFlagSet("", pflag.ContinueOnError))
	f.file = path
	_, err := f.Config(content)
	all := flatten(err)
	for _, e := range all {
		if e.File == "" {
			e.File = path
		}
	}
	return all
}

func flatten(err error) []*Error {
	var list interface{ Unwrap() []error }
	var one *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &list):
		var all []*Error
		for _, e := range list.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	case errors.As(err, &one):
		return []*Error{one}
	default:
		return []*Error{{Message: err.Error()}}
	}
}
