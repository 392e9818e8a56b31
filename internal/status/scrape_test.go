package status

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"reloader/internal/reload"
)

// While targets are added and removed, each scrape is complete and valid. A target that is replaced keeps its histogram; one
// that was removed starts again from zero.
func TestScrapesWhileTargetsChange(t *testing.T) {
	t.Parallel()
	tr := New(Build{})
	tr.Started()
	checked := func(name string) {
		tr.Transition(reload.Status{Target: name, Phase: reload.Checking}, reload.Status{Target: name, Phase: reload.Reloading})
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				name := "t" + strconv.Itoa(n%3)
				tr.Add(Target{Name: name, Kind: "prometheus"})
				checked(name)
				if n%5 == 0 {
					tr.Remove(name)
				}
			}
		})
	}
	for range 100 {
		read := expfmt.NewTextParser(model.UTF8Validation)
		if _, err := read.TextToMetricFamilies(bytes.NewReader(tr.exposition())); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	all.Wait()
	for _, replaced := range []bool{true, false} {
		tr.Add(Target{Name: "a", Kind: "prometheus"})
		checked("a")
		if !replaced {
			tr.Remove("a")
		}
		tr.Add(Target{Name: "a", Kind: "prometheus"})
		count := "\nreloader_validation_duration_seconds_count{target=\"a\"} "
		if text := string(tr.exposition()); strings.Contains(text, count+"1\n") != replaced || strings.Contains(text, count+"0\n") == replaced {
			t.Errorf("replaced: %t; the histogram does not fit:\n%s", replaced, text)
		}
		tr.Remove("a")
	}
}

// A target that replaces another one, after an edit of reloader's own file, goes on with its counters and with what was last live
// (reload.Target.Inherit). None of that is counted a second time. One for another server begins at zero, and each of its failures
// counts.
func TestReplacedTargetCountsNothingTwice(t *testing.T) {
	t.Parallel()
	for _, inherits := range []bool{true, false} {
		tr := New(Build{})
		tr.Started()
		now := reload.Status{Target: "a", Phase: reload.Starting}
		to := func(change func(s *reload.Status)) {
			next := now
			change(&next)
			tr.Transition(now, next)
			now = next
		}
		fail := func(s *reload.Status) {
			s.Phase = reload.Retrying
			s.Counts.ReloadsFailed++
			s.Failure = &reload.FailureStatus{Class: reload.ClassTimeout}
		}
		live := func(s *reload.Status) {
			s.Phase, s.Failure, s.LastSuccess, s.LastDuration = reload.InSync, nil, time.Now(), time.Second
		}
		tr.Add(Target{Name: "a", Kind: "prometheus"})
		to(fail)
		to(fail)
		to(live)
		failed := 2
		for range 3 {
			tr.Add(Target{Name: "a", Kind: "prometheus"})
			next := reload.Status{Target: "a", Phase: reload.Starting}
			if inherits {
				next.Counts, next.LastSuccess, next.LastDuration = now.Counts, now.LastSuccess, now.LastDuration
			}
			now = next
			to(func(s *reload.Status) { s.Phase = reload.Checking })
			to(fail)
			failed++
		}
		text := string(tr.exposition())
		for _, want := range []string{
			fmt.Sprintf("reloader_reloads_failed_total{class=%q,target=\"a\"} %d\n", reload.ClassTimeout, failed),
			fmt.Sprintf("reloader_reloads_failed_total{class=%q,target=\"a\"} 0\n", reload.ClassUnexpected),
			"reloader_change_to_live_seconds_count{target=\"a\"} 1\n",
		} {
			if !strings.Contains(text, want) {
				name, _, _ := strings.Cut(want, "{")
				t.Errorf("inherits: %t; want %s, got:", inherits, want)
				for line := range strings.Lines(text) {
					if strings.HasPrefix(line, name+"{") {
						t.Log(line)
					}
				}
			}
		}
	}
}
