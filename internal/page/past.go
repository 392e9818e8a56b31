package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"reloader/internal/history"
)

// maxEntries is how many entries the page shows; the API has more.
const maxEntries = 50

var outcomeLevels = map[history.Outcome]string{
	history.Live: levelOK, history.Pending: levelBusy, history.Replaced: levelBusy, history.Restarted: levelBusy,
	history.Rejected: levelBad, history.Refused: levelBad, history.RolledBack: levelBad, history.Mismatch: levelBad,
}

func pastOf(entries []history.Entry, now time.Time) markup {
	if len(entries) == 0 {
		return ""
	}
	entries = entries[:min(len(entries), maxEntries)]
	var items []markup
	for _, e := range entries {
		items = append(items, entryOf(e, now))
	}
	return el("h3", text("History")) + chartOf(entries) + el("ol.history", items...)
}

func entryOf(e history.Entry, now time.Time) markup {
	what := text(strings.Join(e.Changes, ", "))
	switch {
	case what != "":
	case e.Outcome == history.Restarted:
		what, e.Reason = text(e.Reason), ""
	default:
		what = text("files " + e.Digest.Short())
	}
	var details []string
	if e.Outcome == history.Live {
		what += " " + el("span.dim", text("live after "+span(e.Took)))
		if e.Writer != nil {
			details = append(details, fmt.Sprintf("%s written by %s, live %s after that", e.Writer.Object, e.Writer.Manager, span(e.FromWrite)))
		}
	}
	if e.Failures > 0 {
		details = append(details, fmt.Sprintf("failed attempts: %d", e.Failures))
	}
	details = append(details, e.Findings...)
	if len(e.Findings) == 0 || e.Outcome != history.Rejected {
		details = append(details, e.Reason, e.Answer)
	}
	for _, d := range details {
		if d != "" {
			what += "<br>" + el("span.dim", text(d))
		}
	}
	return el("li",
		elWith("time", attrs{{"datetime", stamp(e.Seen)}}, text(clock(e.Seen, now))),
		elWith("span", attrs{{"class", "badge small " + outcomeLevels[e.Outcome]}}, text(string(e.Outcome))),
		el("span.what", what))
}

const (
	barStep   = 9
	barBottom = 40
	barTop    = 36 // the height of the highest bar
)

// chartOf draws the times to live of the changes that went live or failed as bars on a logarithmic scale, the newest
// on the right; nothing for fewer than two times.
func chartOf(entries []history.Entry) markup {
	var bars []markup
	var times []time.Duration
	for _, e := range slices.Backward(entries) {
		if e.Outcome == history.Restarted || e.Outcome == history.Replaced {
			continue
		}
		height, title := barTop, string(e.Outcome)
		if e.Outcome == history.Live {
			times = append(times, e.Took)
			height, title = barHeight(e.Took), "live after "+span(e.Took)
		}
		bars = append(bars, elWith("rect", attrs{
			{"x", strconv.Itoa(len(bars) * barStep)}, {"y", strconv.Itoa(barBottom - height)}, {"width", "6"}, {"height", strconv.Itoa(height)},
			{"class", outcomeLevels[e.Outcome]},
		}, el("title", text(title))))
	}
	if len(times) < 2 {
		return ""
	}
	slices.Sort(times)
	label := fmt.Sprintf("Time to live of the last %d changes: median %s, longest %s.", len(times), span(times[len(times)/2]), span(times[len(times)-1]))
	width := strconv.Itoa(len(bars) * barStep)
	axis := elWith("line", attrs{{"x1", "0"}, {"y1", "40"}, {"x2", width}, {"y2", "40"}, {"class", "axis"}})
	return elWith("svg", attrs{
		{"class", "chart"}, {"viewBox", "0 0 " + width + " 44"}, {"width", width}, {"height", "44"}, {"role", "img"}, {"aria-label", label},
	}, append(bars, axis)...) + el("p.dim small", text(label))
}

// barHeight returns the height of a bar on a logarithmic scale from 10 ms to 10 min.
func barHeight(d time.Duration) int {
	const low, high = 10 * time.Millisecond, 10 * time.Minute
	share := math.Log(float64(max(d, low))/float64(low)) / math.Log(float64(high)/float64(low))
	return 3 + int(math.Min(share, 1)*(barTop-3))
}
