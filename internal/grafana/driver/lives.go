package driver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// life is what is known of the process that answers as Grafana. /metrics tells when it started and how many reload
// requests it has answered. Where /metrics is not available, a broken connection has to do: Grafana keeps idle
// connections, so that a new one means that the old one was cut, by a restart or by something like one.
type life struct {
	// born tells the lives that this driver counts from those that another one counted.
	born string
	// number counts the lives of the server that this driver has seen, and cuts those of them that only a broken
	// connection named.
	number, cuts int
	// start is process_start_time_seconds when this life was first seen, told what it is now: the kernel counts it back
	// from the present time, so that it moves when the clock is set. 0 when it is not known.
	start, told float64
	// began is when the process started, by what passed since then; it does not move. Zero when the server tells no Date.
	began time.Time
	// ahead is how far the server's clock is ahead of ours; 0 when they agree as well as whole seconds can tell.
	ahead time.Duration
	// connections are those that were made until the newest look.
	connections int
	// reloads are the reload requests that the process has answered, by route; nil when not known.
	reloads map[string]uint64
	looked  time.Time
}

const (
	// sameStart is how far two starts of one process may lie apart: the kernel derives them from a clock that is
	// corrected. No Grafana is ready so soon after its start that another one could start within this time.
	sameStart = 1.0
	// sameBegin is how far two starts of one process may lie apart that are counted back from a Date, which has whole seconds.
	sameBegin = 2 * time.Second
	// clocksAgree is how far two clocks may be apart to count as one: a Date has whole seconds, and an answer takes its time.
	clocksAgree = 5 * time.Second
	// lookSpacing is how often an idle server is asked for its metrics, which are much longer than its health. A
	// restart of a server that is not behind a proxy cuts the connection, and is seen at once.
	lookSpacing = 30 * time.Second
	// maxMetrics bounds what is read of /metrics.
	maxMetrics = 32 << 20
)

// glance looks only if something may have happened since the newest look, or that was long ago.
func (d *Driver) glance(ctx context.Context) {
	if d.life.looked.IsZero() || d.api.connections != d.life.connections || d.o.Clock().Sub(d.life.looked) >= lookSpacing {
		d.look(ctx)
	}
}

// look asks which process answers.
func (d *Driver) look(ctx context.Context) {
	d.life.looked = d.o.Clock()
	start, began, ahead, reloads := d.metrics(ctx)
	l := &d.life
	another := math.Abs(start-l.told) > sameStart
	if another && d.api.connections == l.connections && !began.IsZero() && !l.began.IsZero() && began.Sub(l.began).Abs() <= sameBegin {
		another = false // the same connection to a process of the same age: the clock was set
	}
	switch {
	case start > 0 && l.start > 0:
		if another {
			l.number++
		}
	case d.api.connections != l.connections && l.connections > 0:
		l.number++
		l.cuts++
	}
	if start > 0 && another {
		l.start = start
	}
	if start > 0 {
		l.told, l.began = start, began
	}
	clear(d.posts)
	l.ahead, l.connections, l.reloads = ahead, d.api.connections, reloads
}

// started is when the process started, by our clock.
func (l life) started() time.Time {
	return time.UnixMilli(int64(l.told * 1000)).Add(-l.ahead)
}

// epoch names the life.
func (l life) epoch() string {
	name := l.born
	if l.start > 0 {
		name = strconv.FormatFloat(l.start, 'f', 2, 64)
	}
	if l.cuts > 0 {
		name += "+" + l.born + "." + strconv.Itoa(l.cuts)
	}
	return name
}

// loads names the reloads that the process has answered.
func (l life) loads() string {
	var b strings.Builder
	for _, route := range slices.Sorted(maps.Keys(l.reloads)) {
		fmt.Fprintf(&b, " %s %d", route, l.reloads[route])
	}
	return b.String()
}

// metrics reads the start of the process as it tells it and by our clock (zero when it tells no Date), how far its clock is
// ahead, and how many reloads it has answered.
func (d *Driver) metrics(ctx context.Context) (start float64, began time.Time, ahead time.Duration, reloads map[string]uint64) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	req, err := d.api.request(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return 0, began, 0, nil
	}
	resp, err := d.api.roundTrip(req)
	if err != nil {
		return 0, began, 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // or the connection could not be used again
		return 0, began, 0, nil
	}
	asked := d.o.Clock()
	start, reloads = readMetrics(bufio.NewReaderSize(http.MaxBytesReader(nil, resp.Body, maxMetrics), 64<<10))
	if there, err := http.ParseTime(resp.Header.Get("Date")); err == nil && start > 0 {
		age := there.Sub(time.UnixMilli(int64(start * 1000)))
		began = d.life.looked.Add(-age)
		if ahead = there.Sub(asked); ahead.Abs() < clocksAgree {
			ahead = 0
		}
	}
	return start, began, ahead, reloads
}

// readMetrics finds what matters in the text format of metrics.
func readMetrics(r *bufio.Reader) (start float64, reloads map[string]uint64) {
	reloads = map[string]uint64{}
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // a line as long as that is none of those
		}
		if len(line) > 0 && line[0] != '#' {
			text := strings.TrimSpace(string(line[:min(len(line), 600)]))
			if value, ok := strings.CutPrefix(text, "process_start_time_seconds "); ok {
				if f, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && f > 0 && !math.IsInf(f, 0) {
					start = f
				}
			} else if route, n, ok := reloadCount(text); ok {
				reloads[route] += n
			}
		}
		if err != nil {
			break
		}
	}
	if start == 0 {
		return 0, nil
	}
	return start, reloads
}

// reloadCount reads a counter of answered requests, if it is that of a reload route.
func reloadCount(line string) (route string, n uint64, ok bool) {
	if !strings.HasPrefix(line, "grafana_http_request_duration_seconds_count{") {
		return "", 0, false
	}
	_, rest, ok := strings.Cut(line, `handler="/api/admin/provisioning/`)
	if !ok {
		return "", 0, false
	}
	route, _, ok = strings.Cut(rest, `/reload"`)
	i := strings.LastIndexByte(line, ' ')
	if !ok || i < 0 {
		return "", 0, false
	}
	f, err := strconv.ParseFloat(line[i+1:], 64)
	if err != nil || f < 0 || f > 1<<53 {
		return "", 0, false
	}
	return route, uint64(f), true
}

// answered is a reload of ours that was answered with 200.
type answered struct {
	life int
	// files names the contents of the kind's files; see expectation.kinds.
	files uint64
	// reloads is how many reloads of this kind the process had answered then; told says that it said so.
	reloads uint64
	told    bool
}

// covered says that Grafana answered our own reload of just these files of a kind with 200, in the life that it has
// now, and that nothing else made it load that kind since. strayed says that there were other files meanwhile.
func (d *Driver) covered(route string, files uint64, strayed bool) bool {
	a, ok := d.answered[route]
	switch {
	case !ok || a.life != d.life.number || a.files != files:
		return false
	case !a.told || d.life.reloads[route] == 0: // not even ours is counted: this version counts otherwise
		return !strayed
	}
	return d.life.reloads[route] <= a.reloads || d.patience.spent(route, d.o.Clock())
}

// undisturbed says that our own reload of these files is the newest one by Grafana's own count.
func (d *Driver) undisturbed(route string, files uint64) bool {
	a, n := d.answered[route], d.life.reloads[route]
	return a.life == d.life.number && a.files == files && a.told && n != 0 && n <= a.reloads
}

// patience bounds how often a reload of ours follows one that someone else made: two programs that both do so
// would never end.
type patience map[string][]time.Time

const (
	patientTimes = 3
	patientFor   = 10 * time.Minute
)

func (p patience) spent(route string, now time.Time) bool {
	p[route] = slices.DeleteFunc(p[route], func(at time.Time) bool { return now.Sub(at) > patientFor })
	return len(p[route]) >= patientTimes
}

// coveredAll says so of all kinds of a plan.
func (d *Driver) coveredAll(p plan, strayed bool) bool {
	routes := p.routes
	if !p.unknown {
		routes = slices.Sorted(maps.Keys(p.files.Kinds))
	}
	for _, route := range routes {
		if !d.covered(route, p.files.Kinds[route], strayed) {
			return false
		}
	}
	return true
}

// noteAnswer remembers that Grafana answered a reload with 200.
func (d *Driver) noteAnswer(ctx context.Context, route string, files uint64) {
	number, told := d.life.number, d.life.reloads != nil
	before, known := d.answered[route]
	if known && before.told && d.life.reloads[route] > before.reloads && before.files == files && before.life == number {
		d.patience[route] = append(d.patience[route], d.o.Clock())
	}
	// Grafana counts a request when its answer is on the way, perhaps only after the next look.
	expected := d.life.reloads[route] + d.posts[route]
	delete(d.answered, route)
	d.look(ctx)
	if d.life.number != number {
		return // it was restarted meanwhile: which life answered is not known
	}
	a := answered{life: number, files: files}
	if told && d.life.reloads != nil {
		if d.life.reloads[route] > expected {
			return // someone else made it load this kind at the same time
		}
		a.reloads, a.told = expected, true
		d.life.reloads[route] = expected
	}
	d.answered[route] = a
}
