package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana/child"
)

// The exit codes, the same for every command.
const (
	exitOK       = 0 // done, or no errors found
	exitFailed   = 1 // errors found, or the work failed
	exitUsage    = 2 // the command line, the environment or reloader's own file is wrong
	exitUnjudged = 3 // no verdict: the validator or the server could not be asked
)

// stdio are the streams of a command: results go to out, everything else to err.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	// hangUp gets SIGHUP, which only the daemon uses; nil in tests.
	hangUp <-chan os.Signal
	// self is the path of this program; empty in tests, which run as another program.
	self string
}

// command is one sub-command. Each is declared in its own file and listed in commands.
type command struct {
	name string
	// summary is its line in `reloader --help`.
	summary string
	// run gets the arguments after the name and returns an exit code.
	run func(ctx context.Context, args []string, std stdio) int
	// flags returns its flags and help text, for --help, suggestions and docs/flags.md.
	flags func() *flagSet
}

// commands returns all sub-commands in the order of the help.
func commands() []command {
	return []command{
		daemonCommand,
		onceCommand,
		checkCommand,
		publishCommand,
		digestCommand,
		statusCommand,
		historyCommand,
		waitCommand,
		injectCommand,
		versionCommand,
	}
}

const about = `reloader keeps Prometheus and Grafana on the newest valid configuration of a mounted directory.

Usage:
  reloader COMMAND [flags]

Commands:
%s
Example, next to a Prometheus that reads a mounted ConfigMap:
  reloader run --prometheus-url http://127.0.0.1:9090 --prometheus-config /etc/prometheus/prometheus.yml

Each flag can be given in the environment too: --prometheus-url as RELOADER_PROMETHEUS_URL.
Exit codes: 0 fine, 1 errors found or failed, 2 usage, 3 could not judge.
"reloader COMMAND --help" explains one command.
`

// run executes one command line without the program's name.
func run(ctx context.Context, args []string, std stdio) int {
	// Errors and logs quote servers, manifests and file names, which may contain control characters.
	std.err = finding.Lines(std.err)
	if len(args) == 0 {
		fmt.Fprint(std.err, overview())
		return exitUsage
	}
	name, rest := args[0], args[1:]
	switch name {
	case child.Command:
		// Not a command for users: see package child.
		return child.Serve(std.in, std.out, std.err)
	case "help":
		if len(rest) == 0 {
			fmt.Fprint(std.out, overview())
			return exitOK
		}
		name, rest = rest[0], []string{"--help"}
	case "-h", "--help":
		fmt.Fprint(std.out, overview())
		return exitOK
	case "-v", "--version":
		name = "version"
	}
	names := make([]string, 0, len(commands()))
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, rest, std)
		}
		names = append(names, c.name)
	}
	if strings.HasPrefix(name, "-") {
		return usageError(std, "", "the command comes first: reloader COMMAND %s; see reloader --help", name)
	}
	return usageError(std, "", "unknown command %q%s", name, didYouMean(name, names, ""))
}

func overview() string {
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-9s %s\n", c.name, c.summary)
	}
	return fmt.Sprintf(about, b.String())
}

// usageError prints one line about a wrong command line and returns exitUsage.
func usageError(std stdio, cmd, format string, args ...any) int {
	return failed(std, cmd, exitUsage, fmt.Errorf(format, args...))
}

// failed prints one line about work that failed and returns code.
func failed(std stdio, cmd string, code int, err error) int {
	fmt.Fprintf(std.err, "%s: %s\n", strings.TrimSpace("reloader "+cmd), err)
	return code
}

// didYouMean suggests the candidate nearest to word; it is empty if none is near.
func didYouMean(word string, candidates []string, prefix string) string {
	if best := finding.Nearest(word, candidates); best != "" {
		return "; did you mean " + prefix + best + "?"
	}
	return ""
}
