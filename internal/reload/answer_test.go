package reload

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// loadsAgain makes someone else load the server after each of our reloads, as a second reloader does.
func loadsAgain(b *bench, delay time.Duration) {
	b.lock(func(p *prom) {
		p.refuses = func(string) bool {
			time.AfterFunc(delay, func() { b.lock(func(p *prom) { p.load++ }) })
			return false
		}
	})
}

// If the server does not show all that it runs, a load by someone else needs a reload to be sure. Two reloaders do not answer each
// other forever, also with slow loads: an hour takes few reloads, and the status and the log say why. A change is still live at
// once, and when only one reloader is left, it gets in sync.
func TestTwoReloadersOnOneServer(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{time.Millisecond, 2 * time.Second, 20 * time.Second} {
		var log bytes.Buffer
		change := func(b *bench, o *Options) {
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			b.server.proves = false
		}
		bubble(t, fmt.Sprint("after ", delay), false, change, func(t *testing.T, b *bench) {
			loadsAgain(b, delay)
			b.change("b")
			sleep(time.Hour)
			if n := len(b.reloads()); n < 10 || n > 40 {
				t.Errorf("%d reloads in an hour", n)
			}
			st := b.target.Status()
			if st.Phase != Confirming || !strings.Contains(st.Reason, "do two reloaders follow this server?") || st.NextTry.IsZero() {
				t.Errorf("phase %s, next try %v: %s", st.Phase, st.NextTry, st.Reason)
			}
			if n := strings.Count(log.String(), `msg="reloading ever less often"`); n != 1 {
				t.Errorf("the log says it %d times:\n%s", n, log.String())
			}
			before := len(b.reloads())
			b.change("c")
			sleep(time.Second)
			if got := b.reloads()[before:]; len(got) == 0 || got[0] != "c" {
				t.Errorf("after a change: reloads %q", got)
			}
			sleep(time.Hour)
			b.lock(func(p *prom) { p.refuses = nil })
			sleep(lastAnswerWait + time.Minute)
			b.want(InSync, "c", b.reloads()...)
		})
	}
}

// The same with two real reloaders, which start at different times.
func TestTwoTargetsOnOneServer(t *testing.T) {
	t.Parallel()
	bubble(t, "", false, func(b *bench, o *Options) { b.server.proves, o.ObserveInterval = false, time.Second }, func(t *testing.T, b *bench) {
		sleep(700 * time.Millisecond)
		o := b.opts
		src := &source{text: "a", atomic: true, hints: make(chan struct{}, 1)}
		o.Reader, o.Watch, o.Observer = src, src, &recorder{}
		second, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- second.Run(ctx) }()
		sleep(time.Hour)
		if n := len(b.reloads()); n > 60 {
			t.Errorf("%d reloads in an hour", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		sleep(lastAnswerWait + time.Minute)
		b.want(InSync, "a", b.reloads()...)
	})
}

// A load by someone else every minute is not an answer to a reload of ours: each takes one reload at once.
func TestLoadsBySomeoneElse(t *testing.T) {
	t.Parallel()
	bubble(t, "every minute", false, func(b *bench, _ *Options) { b.server.proves = false }, func(t *testing.T, b *bench) {
		for i := range 20 {
			before := len(b.reloads())
			b.lock(func(p *prom) { p.load++ })
			sleep(time.Minute)
			if n := len(b.reloads()) - before; n != 1 || b.target.Status().Phase != InSync {
				t.Errorf("load %d: %d reloads, then %s", i, n, b.target.Status().Phase)
			}
		}
	})
}
