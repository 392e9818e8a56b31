package inject

import (
	"cmp"
	"slices"
	"strings"

	"reloader/internal/yamledit"
)

// otherReloader is a container that reloads a server, too.
type otherReloader struct {
	name   string // of the image
	advice string
}

// charts names the value of a well-known chart that an advice is about, when the workload is
// labelled as that chart's.
func (w workload) chartValue(chart, value string) string {
	labels := w.obj.Get("metadata", "labels")
	name := cmp.Or(labels.Get("helm.sh/chart").Str(), labels.Get("chart").Str())
	if i := strings.LastIndex(name, "-"); i < 0 || name[:i] != chart {
		return ""
	}
	return " (values of the chart: " + value + ")"
}

// reloaderIn recognizes a container that reloads a server, too.
func (w workload) reloaderIn(c container) (otherReloader, bool) {
	switch n := c.imageName(); {
	case strings.Contains(n, "config-reloader"), strings.Contains(n, "configmap-reload"):
		return otherReloader{n, "remove it" + w.chartValue("prometheus", "configmapReload.prometheus.enabled: false")}, true
	case strings.HasSuffix(n, "k8s-sidecar") && c.env("REQ_URL").OK():
		kind := "datasources"
		for _, k := range []string{"dashboards", "alerts", "notifiers", "plugins"} {
			if strings.Contains(c.name(), strings.TrimSuffix(k, "s")) {
				kind = k
			}
		}
		return otherReloader{n, "keep it as the collector of labelled ConfigMaps, but take its REQ_URL away" +
			w.chartValue("grafana", "sidecar."+kind+".skipReload: true")}, true
	case strings.HasPrefix(n, "thanos") && slices.Contains(c.words(), "sidecar"):
		for _, flag := range []string{"reloader.config-file", "reloader.rule-dir"} {
			if _, _, ok := c.flag(flag); ok {
				return otherReloader{n, "take its --reloader flags away"}, true
			}
		}
	}
	return otherReloader{}, false
}

// otherReloaders warns of everything that reloads the servers beside the sidecar.
func (pl *plan) otherReloaders() {
	why := "it sends what reloader has rejected"
	if pl.gated() || pl.gate {
		why = "it can only make the server read the gate again, and reports success for files that never got there"
	}
	for _, c := range slices.Concat(pl.w.containers(), pl.w.initContainers()) {
		if p, ok := pl.w.reloaderIn(c); ok && !c.isReloader() {
			pl.warn(c.Cursor, "container %s (%s) reloads the server too: %s; %s", c.name(), p.name, why, p.advice)
		}
		if features, at, ok := c.flag("enable-feature"); ok && strings.Contains(features, "auto-reload-config") {
			pl.warn(at, "container %s also reloads by itself (auto-reload-config), without asking anybody: take that feature away (docs/why-not-auto-reload.md)", c.name())
		}
	}
}

// operated are the objects from which an operator makes the workload.
var operated = map[string]string{
	"Prometheus":      prometheusOperator,
	"PrometheusAgent": prometheusOperator,
	"Grafana":         "the operator sends data sources and dashboards to Grafana's API itself: there are no files to follow",
}

const prometheusOperator = "the operator makes the pod from this object, with a reloader of its own that cannot be switched off: " +
	"nothing is injected; let `reloader check` judge rules and scrape configurations before they are applied (docs/migration.md)"

// operators warns of objects that look like a server but are none of inject's.
func (p *planner) operators(others []yamledit.Cursor) {
	for _, c := range others {
		kind := c.Get("kind").Str()
		if text, ok := operated[kind]; ok {
			p.notes = append(p.notes, Note{Line: c.Node.Line, Workload: kind + "/" + c.Get("metadata", "name").Str(), Warning: true, Text: text})
		}
	}
}

// owned refuses a workload that an operator would write again.
func (w workload) owned() error {
	for _, o := range w.obj.Get("metadata", "ownerReferences").Items() {
		kind := o.Get("kind").Str()
		if text, ok := operated[kind]; ok {
			return &Error{Line: o.Node.Line, Workload: w.String(), Text: "it belongs to " + kind + "/" + o.Get("name").Str() + ", whose operator would undo any change", Hint: text}
		}
	}
	return nil
}
