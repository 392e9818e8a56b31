package status

import (
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"reloader/internal/finding"
	"reloader/internal/mounts"
	"reloader/internal/reload"
)

// phases and classes are every value of their label, so that each series exists from the start.
var (
	phases = []reload.Phase{
		reload.Starting, reload.Waiting, reload.Settling, reload.Checking, reload.Rejected, reload.Unjudged,
		reload.Publishing, reload.Reloading, reload.Confirming, reload.Retrying, reload.RolledBack, reload.Mismatch, reload.InSync,
	}
	classes = []reload.Class{
		reload.ClassRefused, reload.ClassPartial, reload.ClassDisabled, reload.ClassUnauthorized, reload.ClassForbidden,
		reload.ClassNotFound, reload.ClassMethod, reload.ClassScheme, reload.ClassTLS, reload.ClassDNS, reload.ClassUnreachable,
		reload.ClassTimeout, reload.ClassUnavailable, reload.ClassBusy, reload.ClassServer, reload.ClassUnexpected,
		reload.ClassLocal, reload.ClassUnproven,
	}
	severities = []finding.Severity{finding.Info, finding.Warning, finding.Error}
)

// family is one metric of targets and how to read it from what is known of one.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	// read emits the values, each with the label values after target.
	read func(t *seen, emit func(value float64, labels ...string))
}

func gauge(name, help string, read func(*seen) float64) family {
	return single(name, help, prometheus.GaugeValue, read)
}

func counter(name, help string, read func(*seen) float64) family {
	return single(name, help, prometheus.CounterValue, read)
}

func single(name, help string, kind prometheus.ValueType, read func(*seen) float64) family {
	return family{
		desc: prometheus.NewDesc("reloader_"+name, help, []string{"target"}, nil), kind: kind,
		read: func(t *seen, emit func(float64, ...string)) { emit(read(t)) },
	}
}

func labelled(name, help, label string, kind prometheus.ValueType, read func(*seen, func(float64, ...string))) family {
	return family{desc: prometheus.NewDesc("reloader_"+name, help, []string{"target", label}, nil), kind: kind, read: read}
}

// families are the metrics of one target. The first six, and those of watching, have the names that
// other configuration reloaders gave them, so that their alerts work.
var families = []family{
	gauge("last_reload_successful", "Whether the newest files are live, or a change is being worked on and nothing has failed; 0 after any failure, a rejected file included, and after 10 s without the server.",
		func(t *seen) float64 { return number(t.now.Applied) }),
	gauge("last_reload_success_timestamp_seconds", "When a reload was last proven, in Unix time; 0 when never.",
		func(t *seen) float64 { return unix(t.now.LastSuccess) }),
	counter("reloads_total", "Reload calls, failed ones included.",
		func(t *seen) float64 { return float64(t.now.Counts.Reloads) }),
	labelled("reloads_failed_total", "Reload calls that failed or could not be proven, by class of failure.", "class", prometheus.CounterValue,
		func(t *seen, emit func(float64, ...string)) {
			for _, c := range classes {
				emit(float64(t.failures[c]), string(c))
			}
		}),
	counter("config_apply_operations_total", "Changes of the files that were seen.",
		func(t *seen) float64 { return float64(t.now.Counts.Changes) }),
	counter("config_apply_operations_failed_total", "Changes of the files that were rejected or refused.",
		func(t *seen) float64 { return float64(t.now.Counts.ChangesFailed) }),
	labelled("phase", "Where the target stands: 1 for its phase, 0 for the others.", "phase", prometheus.GaugeValue,
		func(t *seen, emit func(float64, ...string)) {
			for _, p := range phases {
				emit(number(t.now.Phase == p), string(p))
			}
		}),
	gauge("phase_start_timestamp_seconds", "When the target's phase began, in Unix time.",
		func(t *seen) float64 { return unix(t.now.Since) }),
	gauge("wanted_digest", "First 48 bits of the digest of the newest files.",
		func(t *seen) float64 { return t.now.Wanted.Number() }),
	gauge("running_digest", "First 48 bits of the digest that the server was proven to run; 0 when none was.",
		func(t *seen) float64 { return t.now.Running.Number() }),
	{
		desc: prometheus.NewDesc("reloader_gate_digest",
			"First 48 bits of the digest of the files in the gate, with which the server would start; 0 when it is empty. Gated targets only.",
			[]string{"target"}, nil),
		kind: prometheus.GaugeValue,
		read: func(t *seen, emit func(float64, ...string)) {
			if t.gated {
				emit(t.gate.Number())
			}
		},
	},
	labelled("findings", "Findings about the newest files, by severity.", "severity", prometheus.GaugeValue,
		func(t *seen, emit func(float64, ...string)) {
			for _, s := range severities {
				emit(float64(finding.Count(t.now.Findings, s)), s.String())
			}
		}),
	gauge("restart_required", "Whether a setting changed that only a restart of the server can bring.",
		func(t *seen) float64 { return number(len(t.now.RestartRequired) > 0) }),
	gauge("differences", "What the server was seen to run differently from the files, in number, until the next proof.",
		func(t *seen) float64 { return float64(len(t.now.Differences)) }),
	gauge("not_compared", "What the newest proof does not cover because the server did not tell, in number.",
		func(t *seen) float64 { return float64(len(t.now.NotCompared)) }),
	counter("mismatches_total", "Looks at which the server ran something else than it should.",
		func(t *seen) float64 { return float64(t.now.Counts.Mismatches) }),
	labelled("failures_total", "Failed requests and other failures by class, those of requests that only ask included.", "class", prometheus.CounterValue,
		func(t *seen, emit func(float64, ...string)) {
			for _, c := range classes {
				emit(float64(t.now.Counts.Failures[c]), string(c))
			}
		}),
	counter("validations_unjudged_total", "Validations that ended without a verdict.",
		func(t *seen) float64 { return float64(t.now.Counts.Unjudged) }),
	counter("rollbacks_total", "Returns to the last good files.",
		func(t *seen) float64 { return float64(t.now.Counts.RollBacks) }),
}

var (
	infoDesc = prometheus.NewDesc("reloader_info", "The targets, with what each server last said of its version.",
		[]string{"target", "kind", "server_version"}, nil)
	fileDesc = prometheus.NewDesc("reloader_config_file_last_load_successful",
		"Whether our own configuration file's newest contents are in use; 1 without a file.", nil, nil)
	eventsDesc  = prometheus.NewDesc("reloader_watch_events_total", "What the kernel reported of the watched directories.", nil, nil)
	errorsDesc  = prometheus.NewDesc("reloader_watch_errors_total", "Failures to watch, lost events among them; polling goes on.", nil, nil)
	watchesDesc = prometheus.NewDesc("reloader_watches", "Directories that inotify watches; 0 while only polling.", nil, nil)
	pollingDesc = prometheus.NewDesc("reloader_watch_polling", "Whether inotify is unavailable, or not for all directories.", nil, nil)
	frozenDesc  = prometheus.NewDesc("reloader_subpath_mounts", "Followed mounts that no update will ever reach, because they are made with subPath.", nil, nil)
	callsDesc   = prometheus.NewDesc("reloader_kubernetes_requests_total", "Requests to the Kubernetes API, by verb and status code.",
		[]string{"verb", "code"}, nil)
	readyDesc = prometheus.NewDesc("reloader_ready", "Whether every target has read its files and we are not stopping.", nil, nil)
)

// newRegistry returns a registry with everything that /metrics shows.
func newRegistry(t *Tracker) *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "reloader_build_info", Help: "What this program was built from; always 1.",
		ConstLabels: prometheus.Labels{
			"version": t.build.Version, "revision": t.build.Revision, "goversion": t.build.GoVersion,
			"goos": runtime.GOOS, "goarch": runtime.GOARCH,
		},
	})
	build.Set(1)
	r.MustRegister(t, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, h := range t.times.all() {
		r.MustRegister(h)
	}
	return r
}

// Describe implements prometheus.Collector.
func (t *Tracker) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range families {
		ch <- f.desc
	}
	for _, d := range []*prometheus.Desc{infoDesc, fileDesc, readyDesc, eventsDesc, errorsDesc, watchesDesc, pollingDesc, frozenDesc, callsDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector: values come from the newest status at each scrape.
func (t *Tracker) Collect(ch chan<- prometheus.Metric) {
	list := t.look()
	for _, s := range list {
		for _, f := range families {
			f.read(&s, func(value float64, labels ...string) {
				ch <- prometheus.MustNewConstMetric(f.desc, f.kind, value, append([]string{s.Name}, labels...)...)
			})
		}
		ch <- prometheus.MustNewConstMetric(infoDesc, prometheus.GaugeValue, 1, s.Name, s.Kind,
			versionLabel(s.now.ServerVersion))
	}
	t.mu.Lock()
	file, ready, notes, watch, calls := t.file, t.notReady(list, false) == "", t.notes, t.watch, t.calls
	t.mu.Unlock()
	one := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64) {
		ch <- prometheus.MustNewConstMetric(desc, kind, value)
	}
	one(fileDesc, prometheus.GaugeValue, number(file == nil || file.Error == ""))
	one(readyDesc, prometheus.GaugeValue, number(ready))
	frozen := 0
	for _, n := range notes {
		if n.Rule == mounts.SubPathRule {
			frozen++
		}
	}
	one(frozenDesc, prometheus.GaugeValue, float64(frozen))
	w := watch()
	one(eventsDesc, prometheus.CounterValue, float64(w.Events))
	one(errorsDesc, prometheus.CounterValue, float64(w.Errors))
	one(watchesDesc, prometheus.GaugeValue, float64(w.Watches))
	one(pollingDesc, prometheus.GaugeValue, number(w.Polling))
	for _, c := range calls() {
		ch <- prometheus.MustNewConstMetric(callsDesc, prometheus.CounterValue, float64(c.Count), c.Verb, c.Code)
	}
}

// histograms are how long things took, by target.
type histograms struct {
	validation, reload, live *prometheus.HistogramVec
}

func newHistograms() histograms {
	h := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "reloader_" + name, Help: help, Buckets: buckets}, []string{"target"})
	}
	return histograms{
		validation: h("validation_duration_seconds", "How long a verdict took, in seconds.", .001, .01, .05, .1, .25, .5, 1, 5, 30),
		reload:     h("reload_duration_seconds", "How long reload calls took, in seconds, failed ones included.", .01, .05, .1, .5, 1, 5, 30, 120),
		live:       h("change_to_live_seconds", "From noticing a change to the proof that it is live, in seconds.", .01, .05, .1, .25, .5, 1, 5, 30, 120, 600),
	}
}

func (h histograms) all() []*prometheus.HistogramVec {
	return []*prometheus.HistogramVec{h.validation, h.reload, h.live}
}

func (h histograms) preset(target string) {
	for _, v := range h.all() {
		v.WithLabelValues(target)
	}
}

func (h histograms) forget(target string) {
	for _, v := range h.all() {
		v.DeleteLabelValues(target)
	}
}

// observe takes the durations that end with a transition; last is the status of the one before. A
// success is entered between two transitions, so that from may know of it already. One that follows no
// change, a server's restart for example, leaves the duration as it was.
func (h histograms) observe(last, from, to reload.Status) {
	if from.Phase != to.Phase {
		took := to.Since.Sub(from.Since).Seconds()
		switch from.Phase {
		case reload.Checking:
			h.validation.WithLabelValues(to.Target).Observe(took)
		case reload.Reloading:
			h.reload.WithLabelValues(to.Target).Observe(took)
		default:
		}
	}
	if to.LastSuccess.After(last.LastSuccess) && to.LastDuration != last.LastDuration {
		h.live.WithLabelValues(to.Target).Observe(to.LastDuration.Seconds())
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// maxVersion bounds the one label whose value is a server's own text, in bytes: no version is longer.
const maxVersion = 64

func versionLabel(version string) string {
	if len(version) > maxVersion {
		version = version[:maxVersion]
	}
	return finding.OneLine(strings.ToValidUTF8(version, "?"))
}
