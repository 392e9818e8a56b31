package reload

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"reloader/internal/snapshot"
)

// When someone has replaced the gate's directory, the files are published again at the next look, although nothing else has
// changed: a server that starts reads them there.
func TestReplacedGateIsWrittenAgain(t *testing.T) {
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
		if b.gate.good() != digestOf("b") {
			t.Error("the files that the server runs are not marked as good again")
		}
		b.lock(func(p *prom) { p.refuses = func(text string) bool { return text == "c" } })
		b.change("c")
		b.want(RolledBack, "b", b.reloads()...)
		if got := b.gate.text(); got != "b" {
			t.Errorf("after a refusal the gate holds %q", got)
		}
	})
}

// Someone puts other files into the gate, makes a server load them that does not count its loads, and removes them. At the next look
// the server is compared with the files, not only at the next comparison minutes later.
func TestServerLoadsWhatSomeonePutsIntoTheGate(t *testing.T) {
	bubble(t, "", true, nil, func(t *testing.T, b *bench) {
		b.change("b")
		b.gate.mu.Lock()
		b.gate.current = snapshot.Digest{}
		b.gate.mu.Unlock()
		b.lock(func(p *prom) { p.runs = "theirs" })
		sleep(defaultObserve + time.Second)
		b.want(InSync, "b", "b", "b")
		if got := b.runs(); got != "b" {
			t.Errorf("the server runs %q", got)
		}
	})
}

// A new version of reloader rejects the files that the gate holds and the server runs. The server is asked and left alone, the
// rejection is logged once, and the next good files go live.
func TestPublishedFilesAreRejected(t *testing.T) {
	var log bytes.Buffer
	withLog := func(b *bench, o *Options) { b.judge.strict, o.Logger = true, slog.New(slog.NewTextHandler(&log, nil)) }
	bubble(t, "the server runs them", true, withLog, func(t *testing.T, b *bench) {
		b.want(Rejected, "a")
		sleep(10 * time.Minute)
		b.want(Rejected, "a")
		if n := strings.Count(log.String(), `msg="files rejected"`); n != 1 {
			t.Errorf("the rejection was logged %d times, want once", n)
		}
		if n := len(b.requests()); n != 1 {
			t.Errorf("%d verdicts on the same files, want 1", n)
		}
		b.change("b")
		b.want(InSync, "b", "b")
	})
	bubble(t, "the server runs other files, and is not made to load the rejected ones", true, func(b *bench, _ *Options) { b.judge.strict = true }, func(t *testing.T, b *bench) {
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

// A target that replaces another one is made while that one still works. What the server refuses until the other has ended counts
// for the new one, too: the same files are not published and refused a second time.
func TestRefusalsWhileATargetIsReplaced(t *testing.T) {
	refusing := func(b *bench, _ *Options) { b.server.refuses = func(text string) bool { return text == "b" } }
	bubble(t, "refused after the next target was made", true, refusing, func(t *testing.T, b *bench) {
		next, err := New(b.opts)
		if err != nil {
			t.Fatal(err)
		}
		b.change("b")
		before := b.reloads()
		b.want(RolledBack, "a", before...)
		b.stop()
		next.Inherit(b.target)
		b.target = next
		ctx, cancel := context.WithCancel(t.Context())
		b.cancel = cancel
		go func() { b.done <- next.Run(ctx) }()
		sleep(time.Minute)
		b.want(RolledBack, "a", before...)
		if got := b.gate.text(); got != "a" {
			t.Errorf("the gate holds %q", got)
		}
	})
}
