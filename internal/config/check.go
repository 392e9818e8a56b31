package config

import (
	"errors"

	"github.com/spf13/pflag"
)

// Check is all that is wrong with a configuration file, each with its place. Path is its name for the messages; no flag and no
// server's file counts.
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
