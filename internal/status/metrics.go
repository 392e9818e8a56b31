package status

import (
	"runtime"
	"strings"
	"time"

	"reloader/internal/exposition"
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
	kind       exposition.Kind
	name, help string
	// read emits the values. A label comes before target, as in the alphabet.
	read func(t *seen, emit func(value float64, more ...exposition.Label))
}

func gauge(name, help string, read func(*seen) float64) family {
	return single(exposition.Gauge, name, help, read)
}

func counter(name, help string, read func(*seen) float64) family {
	return single(exposition.Counter, name, help, read)
}

func single(kind exposition.Kind, name, help string, read func(*seen) float64) family {
	return family{kind, name, help, func(t *seen, emit func(float64, ...exposition.Label)) { emit(read(t)) }}
}

func labelled(kind exposition.Kind, name, help, label string, read func(*seen, func(float64, string))) family {
	return family{kind, name, help, func(t *seen, emit func(float64, ...exposition.Label)) {
		read(t, func(v float64, value string) { emit(v, exposition.Label{Name: label, Value: value}) })
	}}
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
	labelled(exposition.Counter, "reloads_failed_total", "Reload calls that failed or could not be proven, by class of failure.", "class",
		func(t *seen, emit func(float64, string)) {
			for _, c := range classes {
				emit(float64(t.failures[c]), string(c))
			}
		}),
	counter("config_apply_operations_total", "Changes of the files that reloader noticed.",
		func(t *seen) float64 { return float64(t.now.Counts.Changes) }),
	counter("config_apply_operations_failed_total", "Changes of the files that were rejected or refused.",
		func(t *seen) float64 { return float64(t.now.Counts.ChangesFailed) }),
	labelled(exposition.Gauge, "phase", "Where the target stands: 1 for its phase, 0 for the others.", "phase",
		func(t *seen, emit func(float64, string)) {
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
		exposition.Gauge, "gate_digest",
		"First 48 bits of the digest of the files in the gate, which the server would start with; 0 if the gate is empty. Gated targets only.",
		func(t *seen, emit func(float64, ...exposition.Label)) {
			if t.gated {
				emit(t.gate.Number())
			}
		},
	},
	labelled(exposition.Gauge, "findings", "Findings about the newest files, by severity, with those that are not listed.", "severity",
		func(t *seen, emit func(float64, string)) {
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
	labelled(exposition.Counter, "failures_total", "Failed requests and other failures by class, including requests that only read.", "class",
		func(t *seen, emit func(float64, string)) {
			for _, c := range classes {
				emit(float64(t.now.Counts.Failures[c]), string(c))
			}
		}),
	counter("validations_unjudged_total", "Validations that ended without a verdict.",
		func(t *seen) float64 { return float64(t.now.Counts.Unjudged) }),
	counter("rollbacks_total", "Rollbacks to the last good files.",
		func(t *seen) float64 { return float64(t.now.Counts.RollBacks) }),
}

// exposition is all of /metrics; values come from the newest status.
func (t *Tracker) exposition() []byte {
	var w exposition.Writer
	list := t.look()
	for _, f := range families {
		w.Family(f.kind, "reloader_"+f.name, f.help)
		for i := range list {
			f.read(&list[i], func(value float64, more ...exposition.Label) {
				w.Sample(value, append(more, exposition.Label{Name: "target", Value: list[i].Name})...)
			})
		}
	}
	for _, h := range histograms {
		w.Family(exposition.Histogram, "reloader_"+h.name, h.help)
		for i := range list {
			w.Buckets(list[i].times[h.name], exposition.Label{Name: "target", Value: list[i].Name})
		}
	}
	w.Family(exposition.Gauge, "reloader_info", "The targets, with the version that each server last reported.")
	for _, s := range list {
		w.Sample(1, exposition.Label{Name: "kind", Value: s.Kind},
			exposition.Label{Name: "server_version", Value: versionLabel(s.now.ServerVersion)}, exposition.Label{Name: "target", Value: s.Name})
	}
	t.own(&w, list)
	w.Process()
	return w.Bytes()
}

// own writes the metrics of reloader itself.
func (t *Tracker) own(w *exposition.Writer, list []seen) {
	one := func(kind exposition.Kind, name, help string, value float64, labels ...exposition.Label) {
		w.One(kind, "reloader_"+name, help, value, labels...)
	}
	one(exposition.Gauge, "build_info", "Version and revision that this program was built from; always 1.", 1,
		exposition.Label{Name: "goarch", Value: runtime.GOARCH}, exposition.Label{Name: "goos", Value: runtime.GOOS},
		exposition.Label{Name: "goversion", Value: t.build.GoVersion}, exposition.Label{Name: "revision", Value: t.build.Revision},
		exposition.Label{Name: "version", Value: t.build.Version})
	t.mu.Lock()
	file, ready, notes, watch, calls := t.file, t.notReady(list, false) == "", t.notes, t.watch, t.calls
	t.mu.Unlock()
	one(exposition.Gauge, "config_file_last_load_successful",
		"1 if the newest contents of reloader's own configuration file are in use, or if there is no such file.", number(file == nil || file.Error == ""))
	one(exposition.Gauge, "ready", "1 if every target has read its files and reloader is not stopping.", number(ready))
	frozen := 0
	for _, n := range notes {
		if n.Rule == mounts.SubPathRule {
			frozen++
		}
	}
	one(exposition.Gauge, "subpath_mounts", "Followed mounts that will never receive an update because they use subPath.", float64(frozen))
	seen := watch()
	one(exposition.Counter, "watch_events_total", "Events that the kernel reported for the watched directories.", float64(seen.Events))
	one(exposition.Counter, "watch_errors_total", "Failures to watch, including lost events; polling continues.", float64(seen.Errors))
	one(exposition.Gauge, "watches", "Directories that inotify watches; 0 if reloader only polls.", float64(seen.Watches))
	one(exposition.Gauge, "watch_polling", "1 if inotify is unavailable for some directory, which is polled instead.", number(seen.Polling))
	w.Family(exposition.Counter, "reloader_kubernetes_requests_total", "Requests to the Kubernetes API, by verb and status code.")
	for _, c := range calls() {
		w.Sample(float64(c.Count), exposition.Label{Name: "code", Value: c.Code}, exposition.Label{Name: "verb", Value: c.Verb})
	}
}

// The histograms of each target.
const (
	validation = "validation_duration_seconds"
	reloading  = "reload_duration_seconds"
	live       = "change_to_live_seconds"
)

var histograms = []struct {
	name, help string
	bounds     []float64
}{
	{validation, "Duration of a validation, in seconds.", []float64{.001, .01, .05, .1, .25, .5, 1, 5, 30}},
	{reloading, "Duration of reload calls, in seconds, including failed ones.", []float64{.01, .05, .1, .5, 1, 5, 30, 120}},
	{live, "Time from noticing a change to the proof that it is live, in seconds.", []float64{.01, .05, .1, .25, .5, 1, 5, 30, 120, 600}},
}

// durations are the histograms of one target, by name.
type durations map[string]*exposition.Buckets

func newDurations() durations {
	d := durations{}
	for _, h := range histograms {
		d[h.name] = exposition.NewBuckets(h.bounds...)
	}
	return d
}

// observe records the durations that end with a transition; last is the status of the previous transition. A
// success is entered between two transitions, so from may already contain it. One that follows no
// change, for example a server's restart, leaves the duration as it was.
func (d durations) observe(last, from, to reload.Status) {
	if from.Phase != to.Phase {
		took := to.Since.Sub(from.Since).Seconds()
		switch from.Phase {
		case reload.Checking:
			d[validation].Observe(took)
		case reload.Reloading:
			d[reloading].Observe(took)
		default:
		}
	}
	if to.LastSuccess.After(last.LastSuccess) && to.LastDuration != last.LastDuration {
		d[live].Observe(to.LastDuration.Seconds())
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
