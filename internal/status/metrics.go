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

// These are all values of the labels, so that each series exists from the start.
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

// family is one metric of each target, and how to read it from a target's state.
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

// families are the metrics of each target. The first six, and those of watching, have the same names as in
// other configuration reloaders, so that existing alerts work.
var families = []family{
	gauge("last_reload_successful", "1 if the newest files are live, or if a change is in progress and nothing has failed; 0 after any failure, including a rejected file, and after 10 s without the server.",
		func(t *seen) float64 { return number(t.now.Applied) }),
	gauge("last_reload_success_timestamp_seconds", "Unix time of the last proven reload; 0 if there was none.",
		func(t *seen) float64 { return unix(t.now.LastSuccess) }),
	counter("reloads_total", "Reload calls, including failed ones.",
		func(t *seen) float64 { return float64(t.now.Counts.Reloads) }),
	labelled("reloads_failed_total", "Reload calls that failed or could not be proven, by class of failure.", "class", prometheus.CounterValue,
		func(t *seen, emit func(float64, ...string)) {
			for _, c := range classes {
				emit(float64(t.failures[c]), string(c))
			}
		}),
	counter("config_apply_operations_total", "Changes of the files that reloader noticed.",
		func(t *seen) float64 { return float64(t.now.Counts.Changes) }),
	counter("config_apply_operations_failed_total", "Changes of the files that were rejected or refused.",
		func(t *seen) float64 { return float64(t.now.Counts.ChangesFailed) }),
	labelled("phase", "Where the target stands: 1 for its phase, 0 for the others.", "phase", prometheus.GaugeValue,
		func(t *seen, emit func(float64, ...string)) {
			for _, p := range phases {
				emit(number(t.now.Phase == p), string(p))
			}
		}),
	gauge("phase_start_timestamp_seconds", "Unix time when the target's phase began.",
		func(t *seen) float64 { return unix(t.now.Since) }),
	gauge("wanted_digest", "First 48 bits of the digest of the newest files.",
		func(t *seen) float64 { return t.now.Wanted.Number() }),
	gauge("running_digest", "First 48 bits of the digest that the server was proven to run; 0 if none.",
		func(t *seen) float64 { return t.now.Running.Number() }),
	{
		desc: prometheus.NewDesc("reloader_gate_digest",
			"First 48 bits of the digest of the files in the gate, which the server would start with; 0 if the gate is empty. Gated targets only.",
			[]string{"target"}, nil),
		kind: prometheus.GaugeValue,
		read: func(t *seen, emit func(float64, ...string)) {
			if t.gated {
				emit(t.gate.Number())
			}
		},
	},
	labelled("findings", "Findings about the newest files, by severity, with those that are not listed.", "severity", prometheus.GaugeValue,
		func(t *seen, emit func(float64, ...string)) {
			for _, s := range severities {
				emit(float64(finding.Count(t.now.Findings, s)), s.String())
			}
		}),
	gauge("restart_required", "1 if a changed setting needs a restart of the server.",
		func(t *seen) float64 { return number(len(t.now.RestartRequired) > 0) }),
	gauge("differences", "Number of differences between what the server runs and the files, until the next proof.",
		func(t *seen) float64 { return float64(len(t.now.Differences)) }),
	gauge("not_compared", "Number of things that the newest proof does not cover because the server does not show them.",
		func(t *seen) float64 { return float64(len(t.now.NotCompared)) }),
	counter("mismatches_total", "Checks in which the server ran something other than it should.",
		func(t *seen) float64 { return float64(t.now.Counts.Mismatches) }),
	labelled("failures_total", "Failed requests and other failures by class, including requests that only read.", "class", prometheus.CounterValue,
		func(t *seen, emit func(float64, ...string)) {
			for _, c := range classes {
				emit(float64(t.now.Counts.Failures[c]), string(c))
			}
		}),
	counter("validations_unjudged_total", "Validations that ended without a verdict.",
		func(t *seen) float64 { return float64(t.now.Counts.Unjudged) }),
	counter("rollbacks_total", "Rollbacks to the last good files.",
		func(t *seen) float64 { return float64(t.now.Counts.RollBacks) }),
}

var (
	infoDesc = prometheus.NewDesc("reloader_info", "The targets, with the version that each server last reported.",
		[]string{"target", "kind", "server_version"}, nil)
	fileDesc = prometheus.NewDesc("reloader_config_file_last_load_successful",
		"1 if the newest contents of reloader's own configuration file are in use, or if there is no such file.", nil, nil)
	eventsDesc  = prometheus.NewDesc("reloader_watch_events_total", "Events that the kernel reported for the watched directories.", nil, nil)
	errorsDesc  = prometheus.NewDesc("reloader_watch_errors_total", "Failures to watch, including lost events; polling continues.", nil, nil)
	watchesDesc = prometheus.NewDesc("reloader_watches", "Directories that inotify watches; 0 if reloader only polls.", nil, nil)
	pollingDesc = prometheus.NewDesc("reloader_watch_polling", "1 if inotify is unavailable for some directory, which is polled instead.", nil, nil)
	frozenDesc  = prometheus.NewDesc("reloader_subpath_mounts", "Followed mounts that will never receive an update because they use subPath.", nil, nil)
	callsDesc   = prometheus.NewDesc("reloader_kubernetes_requests_total", "Requests to the Kubernetes API, by verb and status code.",
		[]string{"verb", "code"}, nil)
	readyDesc = prometheus.NewDesc("reloader_ready", "1 if every target has read its files and reloader is not stopping.", nil, nil)
)

// newRegistry returns the registry behind /metrics.
func newRegistry(t *Tracker) *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "reloader_build_info", Help: "Version and revision that this program was built from; always 1.",
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

// histograms show how long things took, by target.
type histograms struct {
	validation, reload, live *prometheus.HistogramVec
}

func newHistograms() histograms {
	h := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "reloader_" + name, Help: help, Buckets: buckets}, []string{"target"})
	}
	return histograms{
		validation: h("validation_duration_seconds", "Duration of a validation, in seconds.", .001, .01, .05, .1, .25, .5, 1, 5, 30),
		reload:     h("reload_duration_seconds", "Duration of reload calls, in seconds, including failed ones.", .01, .05, .1, .5, 1, 5, 30, 120),
		live:       h("change_to_live_seconds", "Time from noticing a change to the proof that it is live, in seconds.", .01, .05, .1, .25, .5, 1, 5, 30, 120, 600),
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

// observe records the durations that end with a transition; last is the status of the previous transition. A
// success is entered between two transitions, so from may already contain it. One that follows no
// change, for example a server's restart, leaves the duration as it was.
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

// maxVersion limits the one label whose value is a server's own text, in bytes. No real version is longer.
const maxVersion = 64

func versionLabel(version string) string {
	if len(version) > maxVersion {
		version = version[:maxVersion]
	}
	return finding.OneLine(strings.ToValidUTF8(version, "?"))
}
