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

// life is what is known about the process that answers as Grafana. /metrics reports when it started and how many reload
// requests it has answered. Without /metrics, a new connection counts as a restart: Grafana keeps idle connections, so
// a new one means that the old one was cut, perhaps by a restart.
type life struct {
	// born distinguishes lives that this driver counted from those that another driver counted.
	born string
	// number counts the lives of the server that this driver has seen; cuts counts those that only a cut connection
	// shows.
	number, cuts int
	// start is process_start_time_seconds when this life was first seen; told is its newest value. The kernel derives it
	// from the present time, so it moves when the clock is set. 0 when it is not known.
	start, told float64
	// began is when the process started, derived from its age; it does not move. Zero when the server sends no Date.
	began time.Time
	// ahead is how far the server's clock is ahead of ours; 0 within clocksAgree.
	ahead time.Duration
	// connections is api.connections at the newest look.
	connections int
	// reloads counts the reload requests that the process has answered, by route; nil when not known.
	reloads map[string]uint64
	looked  time.Time
}

const (
	// sameStart is how many seconds two values of the start of one process may differ: the kernel derives them from a
	// clock that is corrected. Grafana is not ready so soon after its start that another one could start within this time.
	sameStart = 1.0
	// sameBegin is how much two starts of one process may differ when they are derived from a Date, which has whole seconds.
	sameBegin = 2 * time.Second
	// clocksAgree is the difference within which two clocks count as equal: a Date has whole seconds, and answers take time.
	clocksAgree = 5 * time.Second
	// lookSpacing is how often an idle server is asked for its metrics, which are much longer than its health. Unless
	// there is a proxy in between, a restart cuts the connection, and reloader sees it at once.
	lookSpacing = 30 * time.Second
	// maxMetrics is the most that is read of /metrics, in bytes.
	maxMetrics = 32 << 20
)

// glance looks only if something may have happened since the newest look, or if that was long ago.
func (d *Driver) glance(ctx context.Context) {
	if d.life.looked.IsZero() || d.api.connections != d.life.connections || d.o.Clock().Sub(d.life.looked) >= lookSpacing {
		d.look(ctx)
	}
}

// look finds out which process answers.
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

// loads is the number of reloads that the process has answered, by route.
func (l life) loads() string {
	var b strings.Builder
	for _, route := range slices.Sorted(maps.Keys(l.reloads)) {
		fmt.Fprintf(&b, " %s %d", route, l.reloads[route])
	}
	return b.String()
}

// metrics reads when the process started, by its own clock and by ours (zero if it sends no Date), how far its clock is
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
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // otherwise the connection cannot be reused
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

// readMetrics finds the start and the reloads in the text format of metrics.
func readMetrics(r *bufio.Reader) (start float64, reloads map[string]uint64) {
	reloads = map[string]uint64{}
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // the lines to find are never this long
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

// reloadCount reads the counter of answered requests if the line is that of a reload route.
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

// answered is a reload of ours that Grafana answered with 200.
type answered struct {
	life int
	// files is the fingerprint of the kind's files; see expectation.Kinds.
	files uint64
	// reloads is how many reloads of this kind the process had answered then; told says that it reports them.
	reloads uint64
	told    bool
}

// covered says that in its current life Grafana answered our own reload of exactly these files of a kind with 200, and
// that nothing else has made it load that kind since. strayed says that there were other files in the meantime.
func (d *Driver) covered(route string, files uint64, strayed bool) bool {
	a, ok := d.answered[route]
	switch {
	case !ok || a.life != d.life.number || a.files != files:
		return false
	case !a.told || d.life.reloads[route] == 0: // our own reload is not counted either: this version counts differently
		return !strayed
	}
	return d.life.reloads[route] <= a.reloads || d.patience.spent(route, d.o.Clock())
}

// undisturbed says that by Grafana's count, our own reload of these files is the newest one.
func (d *Driver) undisturbed(route string, files uint64) bool {
	a, n := d.answered[route], d.life.reloads[route]
	return a.life == d.life.number && a.files == files && a.told && n != 0 && n <= a.reloads
}

// patience limits how often we reload after someone else did: two programs that both do so would never stop. It has
// the times of such reloads, by route.
type patience map[string][]time.Time

const (
	patientTimes = 3
	patientFor   = 10 * time.Minute
)

func (p patience) spent(route string, now time.Time) bool {
	p[route] = slices.DeleteFunc(p[route], func(at time.Time) bool { return now.Sub(at) > patientFor })
	return len(p[route]) >= patientTimes
}

// coveredAll says that all kinds of a plan are covered.
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
	// Grafana counts a request while it sends the answer, perhaps only after the next look.
	expected := d.life.reloads[route] + d.posts[route]
	delete(d.answered, route)
	d.look(ctx)
	if d.life.number != number {
		return // it was restarted in the meantime: which life answered is not known
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
