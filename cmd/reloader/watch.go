package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"reloader/internal/lazyregexp"
	"reloader/internal/reload"
)

// watchInterval is how often --watch asks for the status.
const watchInterval = time.Second

// watchStatus shows the status until ctx ends. On a terminal it is redrawn in place; elsewhere it is
// written again when it changes.
func watchStatus(ctx context.Context, r *remote, std stdio) int {
	view := newView(std.out)
	code := exitUnjudged
	for {
		var b bytes.Buffer
		report, err := r.report(ctx)
		switch {
		case ctx.Err() != nil:
			return code
		case err != nil:
			code = exitUnjudged
			fmt.Fprintf(&b, "%s\n", oneLine(err))
		default:
			code = statusCode(report)
			printReport(&b, report, time.Now())
		}
		if err := view.show(b.String(), time.Now()); err != nil {
			return exitFailed
		}
		select {
		case <-ctx.Done():
			return code
		case <-time.After(watchInterval):
		}
	}
}

// view is where a text is shown again and again.
type view struct {
	out      io.Writer
	terminal bool
	color    bool
	last     string
}

func newView(out io.Writer) *view {
	v := &view{out: out}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		v.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
		v.color = v.terminal && os.Getenv("NO_COLOR") == ""
	}
	return v
}

// duration matches the parts of a status that change while nothing happens.
var duration = lazyregexp.New(` for [0-9hms.]+,|\n  next try: in [0-9hms]+`)

// Terminal control sequences.
const (
	home      = "\x1b[H"
	clearLine = "\x1b[K"
	clearRest = "\x1b[J"
)

func (v *view) show(text string, now time.Time) error {
	if !v.terminal {
		same := duration().ReplaceAllString(text, "")
		if same == v.last {
			return nil
		}
		v.last = same
		_, err := fmt.Fprintf(v.out, "%s\n%s", now.Format(time.RFC3339), text)
		return err
	}
	var b strings.Builder
	if v.last == "" {
		b.WriteString("\x1b[2J") // clear the screen once
	}
	v.last = text
	b.WriteString(home)
	for line := range strings.Lines(text) {
		b.WriteString(v.paint(strings.TrimSuffix(line, "\n")) + clearLine + "\n")
	}
	fmt.Fprintf(&b, "%s%s  Ctrl-C ends", clearLine, now.Format("15:04:05"))
	b.WriteString(clearRest)
	_, err := io.WriteString(v.out, b.String())
	return err
}

// phaseColors are the SGR codes of phases that a person should notice.
var phaseColors = map[reload.Phase]string{
	reload.InSync: "32", reload.Rejected: "31", reload.RolledBack: "31", reload.Mismatch: "31",
	reload.Retrying: "33", reload.Unjudged: "33", reload.Waiting: "33",
}

// paint colours the phase in a target's first line.
func (v *view) paint(line string) string {
	name, rest, ok := strings.Cut(line, ": ")
	if !v.color || !ok || strings.HasPrefix(line, " ") {
		return line
	}
	phase, after, _ := strings.Cut(rest, " ")
	color := phaseColors[reload.Phase(phase)]
	if color == "" {
		return line
	}
	return name + ": \x1b[1;" + color + "m" + phase + "\x1b[0m " + after
}
