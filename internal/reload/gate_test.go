package reload

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"reloader/internal/snapshot"
)

// A gate whose directory someone has replaced gets the files again at the next look, although nothing else has changed:
// a server that starts reads there.
func TestReplacedGateIsWrittenAnew(t *testing.T) {
	bubble(t, "the directory is new, and empty", true, nil, func(t *testing.T, b *bench) {
		b.change("b")
		b.want(InSync, "b", "b")
		b.gate.mu.Lock()
		b.gate.current, b.gate.accepted = snapshot.Digest{}, nil
		b.gate.mu.Unlock()
		sleep(2 * time.Minute)
		if got := b.gate.text(); got != "b" {
			t.Errorf("the gate holds %q", got)
		}
		b.want(InSync, "b", "b")
	})
}

// A new version of ours rejects what the gate holds, and what the server runs. The server is asked and left alone, the
// rejection is said once, and the next good files go live.
func TestPublishedFilesAreRejected(t *testing.T) {
	var log bytes.Buffer
	withLog := func(b *bench, o *Options) { b.judge.strict, o.Logger = true, slog.New(slog.NewTextHandler(&log, nil)) }
	bubble(t, "the server runs them", true, withLog, func(t *testing.T, b *bench) {
		b.want(Rejected, "a")
		sleep(10 * time.Minute)
		b.want(Rejected, "a")
		if n := strings.Count(log.String(), `msg="files rejected"`); n != 1 {
			t.Errorf("said %d times that they are rejected", n)
		}
		if n := len(b.requests()); n != 1 {
			t.Errorf("%d verdicts on the same files", n)
		}
		b.change("b")
		b.want(InSync, "b", "b")
	})
	bubble(t, "the server runs others, and is not made to load them", true, func(b *bench, _ *Options) { b.judge.strict = true }, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.runs = "old" })
		b.target.Recheck()
		sleep(10 * time.Minute)
		if got := b.runs(); got != "old" {
			t.Errorf("the server runs %q", got)
		}
		if st := b.target.Status(); st.Phase == InSync || len(b.reloads()) != 0 {
			t.Errorf("phase %s, reloads %q", st.Phase, b.reloads())
		}
	})
}
