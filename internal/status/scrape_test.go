package status

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"testing"

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
