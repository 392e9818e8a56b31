package inject

import (
	"cmp"
	"slices"
	"strings"

	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// otherReloader is another container that reloads a server.
type otherReloader struct {
	name   string // of the image
	advice string
}

// chartValue is the value of a well-known chart to set, as the end of the advice; empty unless the workload has that chart's label.
func chartValue(w *manifest.Workload, chart, value string) string {
	labels := w.Object.Get("metadata", "labels")
	name := cmp.Or(labels.Get("helm.sh/chart").Str(), labels.Get("chart").Str())
	if i := strings.LastIndex(name, "-"); i < 0 || name[:i] != chart {
		return ""
	}
	return " (values of the chart: " + value + ")"
}

// reloaderIn recognizes a container that reloads a server, too.
func reloaderIn(w *manifest.Workload, c manifest.Container) (otherReloader, bool) {
	switch n := c.ImageName(); {
	case strings.Contains(n, "config-reloader"), strings.Contains(n, "configmap-reload"):
		if _, _, ok := c.Flag("config-envsubst-file"); ok {
			return otherReloader{n, "it also writes the file that Prometheus reads (--config-envsubst-file), so removing only this container leaves no such file; " +
				"docs/migration.md says how reloader does both"}, true
		}
		return otherReloader{n, "remove it" + chartValue(w, "prometheus", "configmapReload.prometheus.enabled: false")}, true
	case strings.HasSuffix(n, "k8s-sidecar") && c.Env("REQ_URL").OK():
		kind := "datasources"
		for _, k := range []string{"dashboards", "alerts", "notifiers", "plugins"} {
			if strings.Contains(c.Name(), strings.TrimSuffix(k, "s")) {
				kind = k
			}
		}
		return otherReloader{n, "keep it to collect labelled ConfigMaps, but remove its REQ_URL" +
			chartValue(w, "grafana", "sidecar."+kind+".skipReload: true")}, true
	case strings.HasPrefix(n, "thanos") && slices.Contains(c.Words, "sidecar"):
		for _, flag := range []string{"reloader.config-file", "reloader.rule-dir"} {
			if _, _, ok := c.Flag(flag); ok {
				return otherReloader{n, "remove its --reloader flags"}, true
			}
		}
	}
	return otherReloader{}, false
}

// otherReloaders warns about everything else that reloads the servers.
func (pl *plan) otherReloaders() {
	why := "it makes the server load files that reloader rejected"
	if pl.gated() || pl.gate {
		why = "it only makes the server read the gate again, and reports success for files that never got there"
	}
	for _, c := range pl.w.AllContainers() {
		if p, ok := reloaderIn(pl.w, c); ok && !c.IsReloader() {
			pl.warn(c.Cursor, "container %s (%s) reloads the server too: %s; %s", c.Name(), p.name, why, p.advice)
		}
		if slices.Contains(c.Features(), "auto-reload-config") {
			at := c.Cursor
			for _, word := range slices.Concat(c.Get("command").Items(), c.Get("args").Items()) {
				if strings.Contains(word.Str(), "auto-reload-config") {
					at = word
				}
			}
			pl.warn(at, "container %s also reloads by itself (auto-reload-config), without validation: remove that feature (docs/why-not-auto-reload.md)", c.Name())
		}
	}
}

// operated are the objects from which an operator makes the workload.
var operated = map[string]string{
	"Prometheus":      prometheusOperator,
	"PrometheusAgent": prometheusOperator,
	"Grafana":         "the operator sends data sources and dashboards to Grafana's API itself: there are no files to follow",
}

const prometheusOperator = "the operator creates the pod from this object, with its own reloader that cannot be switched off: " +
	"nothing is injected; check rules and scrape configurations with `reloader check` before you apply them (docs/migration.md)"

// operators warns about objects that look like a server but that inject cannot change.
func (p *planner) operators(others []yamledit.Cursor) {
	for _, c := range others {
		kind := c.Get("kind").Str()
		if text, ok := operated[kind]; ok {
			p.notes = append(p.notes, Note{Line: c.Node.Line, Workload: kind + "/" + c.Get("metadata", "name").Str(), Warning: true, Text: text})
		}
	}
}

// owned refuses a workload that an operator would restore.
func owned(w *manifest.Workload) error {
	for _, o := range w.Object.Get("metadata", "ownerReferences").Items() {
		kind := o.Get("kind").Str()
		if text, ok := operated[kind]; ok {
			return &Error{Line: o.Node.Line, Workload: w.String(), Text: "it belongs to " + kind + "/" + o.Get("name").Str() + ", whose operator would undo any change", Hint: text}
		}
	}
	return nil
}
