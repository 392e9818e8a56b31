package page

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"reloader/internal/history"
)

// maxEntries is how many entries the page shows; the API has all.
const maxEntries = 50

type past struct {
	Entries []pastEntry
	Chart   *chart
}

type pastEntry struct {
	Time, Clock, Outcome, Level, What, Took string
	Details                                 []string
}

// chart shows the times to live as bars on a logarithmic scale.
type chart struct {
	Width int
	Label string
	Bars  []bar
}

type bar struct {
	X, Y, Height int
	Level, Title string
}

var outcomeLevels = map[history.Outcome]string{
	history.Live: levelOK, history.Pending: levelBusy, history.Replaced: levelBusy, history.Restarted: levelBusy,
	history.Rejected: levelBad, history.Refused: levelBad, history.RolledBack: levelBad, history.Mismatch: levelBad,
}

func pastOf(h history.Target, now time.Time) *past {
	if len(h.Entries) == 0 {
		return nil
	}
	p := &past{}
	for i, e := range h.Entries {
		if i == maxEntries {
			break
		}
		p.Entries = append(p.Entries, entryOf(e, now))
	}
	p.Chart = chartOf(h.Entries)
	return p
}

func entryOf(e history.Entry, now time.Time) pastEntry {
	out := pastEntry{Time: stamp(e.Seen), Clock: clock(e.Seen, now), Outcome: string(e.Outcome), Level: outcomeLevels[e.Outcome]}
	out.What = strings.Join(e.Changes, ", ")
	switch {
	case out.What != "":
	case e.Outcome == history.Restarted:
		out.What, e.Reason = e.Reason, ""
	default:
		out.What = "files " + e.Digest.Short()
	}
	if e.Outcome == history.Live {
		out.Took = "live after " + span(e.Took)
		if e.Writer != nil {
			out.Details = append(out.Details, fmt.Sprintf("%s written by %s, live %s after that", e.Writer.Object, e.Writer.Manager, span(e.FromWrite)))
		}
	}
	if e.Failures > 0 {
		out.Details = append(out.Details, fmt.Sprintf("%d failed attempts", e.Failures))
	}
	out.Details = append(out.Details, e.Findings...)
	for _, text := range []string{e.Reason, e.Answer} {
		if text != "" && (len(e.Findings) == 0 || e.Outcome != history.Rejected) {
			out.Details = append(out.Details, text)
		}
	}
	return out
}

const (
	barStep   = 9
	barBottom = 40
	barTop    = 36 // the height of the highest bar
)

// chartOf draws the changes that went live or failed, the newest on the right; nil for fewer than two.
func chartOf(entries []history.Entry) *chart {
	var shown []history.Entry
	var times []time.Duration
	for _, e := range entries {
		if e.Outcome == history.Restarted || e.Outcome == history.Replaced || len(shown) == maxEntries {
			continue
		}
		shown = append(shown, e)
		if e.Outcome == history.Live {
			times = append(times, e.Took)
		}
	}
	if len(times) < 2 {
		return nil
	}
	slices.Reverse(shown)
	slices.Sort(times)
	c := &chart{
		Width: len(shown) * barStep,
		Label: fmt.Sprintf("Time to live of the last %d changes: median %s, longest %s.", len(times), span(times[len(times)/2]), span(times[len(times)-1])),
	}
	for i, e := range shown {
		b := bar{X: i * barStep, Height: barTop, Level: outcomeLevels[e.Outcome], Title: string(e.Outcome)}
		if e.Outcome == history.Live {
			b.Height, b.Title = barHeight(e.Took), "live after "+span(e.Took)
		}
		b.Y = barBottom - b.Height
		c.Bars = append(c.Bars, b)
	}
	return c
}

// barHeight is logarithmic from 10 ms to 10 min.
func barHeight(d time.Duration) int {
	const low, high = 10 * time.Millisecond, 10 * time.Minute
	share := math.Log(float64(max(d, low))/float64(low)) / math.Log(float64(high)/float64(low))
	return 3 + int(math.Min(share, 1)*(barTop-3))
}
