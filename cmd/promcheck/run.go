package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"reloader/internal/confine"
	"reloader/internal/finding"
	"reloader/internal/prometheus/judge"
	"reloader/internal/prometheus/validator"
)

// Exit codes: an answer was given, whatever the verdict; wrong usage; no answer.
const (
	exitAnswered = 0
	exitUsage    = 2
	exitFailed   = 3
)

// run answers the question on stdin.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 1 && (args[0] == "--version" || args[0] == "version"):
		fmt.Fprintf(stdout, "promcheck %s (revision %s), judges as Prometheus %s, protocol %d\n", version, revision, judge.Library, validator.Protocol)
		return exitAnswered
	case len(args) > 0:
		fmt.Fprintln(stderr, "usage: promcheck [--version]\nreloader starts it and asks it on standard input; try: reloader check --prometheus-config FILE")
		return exitUsage
	}
	// No valid file needs a deeper stack. A file that does crashes this process, and is refused.
	debug.SetMaxStack(128 << 20)
	q, err := validator.ReadQuestion(stdin, func(q *validator.Question) {
		confine.Within(q.MemoryBytes)
		if len(q.Key) > 0 {
			finding.UseFingerprintKey(q.Key)
		}
	})
	if err != nil {
		fmt.Fprintf(stderr, "promcheck: %v\n", err)
		return exitFailed
	}
	if q.TimeoutMillis > 0 {
		// The deadline also applies when the client is gone.
		time.AfterFunc(time.Duration(q.TimeoutMillis)*time.Millisecond, func() {
			fmt.Fprintln(stderr, "promcheck: deadline exceeded")
			os.Exit(exitFailed)
		})
	}
	out := bufio.NewWriter(stdout)
	err = validator.WriteAnswer(out, judge.Judge(q))
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		fmt.Fprintf(stderr, "promcheck: %v\n", err)
		return exitFailed
	}
	return exitAnswered
}
