package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"reloader/internal/config"
	"reloader/internal/lazyregexp"
)

// flagSet holds the flags and the help of one command.
type flagSet struct {
	*pflag.FlagSet
	// help is the hand-written text above the list of flags: usage, what it does, an example.
	help string
}

// newFlagSet returns an empty flagSet. The help text starts with the usage line.
func newFlagSet(name, help string) *flagSet {
	fs := &flagSet{FlagSet: pflag.NewFlagSet(name, pflag.ContinueOnError), help: help}
	fs.SortFlags = false
	fs.Usage = func() {}
	return fs
}

// parse reads the arguments and, for flags not given there, the environment. If it returns
// false, the command ends with the exit code: help was requested, or something is wrong.
func (fs *flagSet) parse(args []string, std stdio) (int, bool) {
	if err := fs.Parse(args); err != nil {
		var unknown *pflag.NotExistError
		switch {
		case errors.Is(err, pflag.ErrHelp):
			fmt.Fprint(std.out, fs.usage())
			return exitOK, false
		case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
			name := unknown.GetSpecifiedName()
			return usageError(std, fs.Name(), "unknown flag --%s%s", name, didYouMean(name, fs.names(), "--")), false
		}
		return usageError(std, fs.Name(), "%s", goWords().ReplaceAllString(oneLine(err), "")), false
	}
	if err := fs.readEnvironment(os.LookupEnv); err != nil {
		return usageError(std, fs.Name(), "%s", goWords().ReplaceAllString(oneLine(err), "")), false
	}
	return exitOK, true
}

// parseAlone is parse for a command that accepts only flags.
func (fs *flagSet) parseAlone(args []string, std stdio) (int, bool) {
	if code, ok := fs.parse(args, std); !ok {
		return code, false
	}
	if fs.NArg() > 0 {
		return usageError(std, fs.Name(), "unexpected argument %q", fs.Arg(0)), false
	}
	return exitOK, true
}

// readEnvironment sets every flag that was not given from its environment variable, if that is not empty.
func (fs *flagSet) readEnvironment(lookup func(string) (string, bool)) error {
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		value, ok := lookup(environmentName(f.Name))
		if f.Changed || !ok || value == "" {
			return
		}
		values := []string{value}
		if f.Value.Type() == "stringArray" {
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if err := fs.Set(f.Name, strings.TrimSpace(v)); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", environmentName(f.Name), err))
			}
		}
	})
	return errors.Join(errs...)
}

// environmentName returns a flag's environment variable: RELOADER_PROMETHEUS_URL for prometheus-url.
func environmentName(flag string) string {
	return "RELOADER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func (fs *flagSet) names() []string {
	var names []string
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// usage returns the help text followed by the flags under their headings.
func (fs *flagSet) usage() string {
	var order []string
	groups := map[string]*pflag.FlagSet{}
	fs.VisitAll(func(f *pflag.Flag) {
		name := "Flags"
		if g := f.Annotations[config.GroupAnnotation]; len(g) == 1 {
			name = g[0]
		}
		if groups[name] == nil {
			groups[name] = pflag.NewFlagSet(name, pflag.ContinueOnError)
			groups[name].SortFlags = false
			order = append(order, name)
		}
		groups[name].AddFlag(f)
	})
	var b strings.Builder
	b.WriteString(strings.TrimSpace(fs.help) + "\n")
	for _, name := range order {
		fmt.Fprintf(&b, "\n%s:\n%s", name, groups[name].FlagUsagesWrapped(110))
	}
	return b.String()
}

// goWords matches what Go's own functions put into their errors before the reason.
var goWords = lazyregexp.New(`strconv\.\w+: parsing "[^"]*": |time: `)

// oneLine joins the lines of an error with semicolons.
func oneLine(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}
