package manifests

import (
	"maps"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// What the API server accepts: the sum of the values of a ConfigMap or Secret in bytes, and the length of a key
// (k8s.io/api/core/v1 MaxSecretSize, and IsConfigMapKey).
const (
	maxObject = 1 << 20
	maxKey    = 253
)

// maxApplied is the largest object in bytes for kubectl apply, which keeps a copy of it in an annotation.
const maxApplied = 256 << 10

var validKey = lazyregexp.New(`^[-._a-zA-Z0-9]+$`)

// objects judges ConfigMaps and Secrets: their form, and contents that no server of the input reads.
func (c *check) objects() {
	for _, o := range c.in.Objects {
		c.form(o)
		c.alone(o)
	}
}

// form finds what the API server refuses in an object.
func (c *check) form(o *manifest.Object) {
	total := 0
	for _, v := range o.Values {
		total += len(v.Content)
		if v.Problem != "" {
			hint := "write the contents as a block of text: " + v.Key + ": |"
			if v.Encoded {
				hint = "write plain text under stringData (a Secret) or data (a ConfigMap)"
			}
			c.report(finding.Error, RuleValue, v.At, hint, "%s, key %s: %s: the API server refuses it", o, v.Key, v.Problem)
		}
		if v.At.OK() && (!validKey().MatchString(v.Key) || len(v.Key) > maxKey || v.Key == "." || v.Key == ".." || strings.HasPrefix(v.Key, "..")) {
			c.report(finding.Error, RuleValue, v.At, "use letters, digits, -, _ and . only; to put a key into a directory, use the volume's items", "%s: the API server refuses the key %q", o, v.Key)
		}
	}
	if o.OK() {
		if key, first := o.Doc.Duplicate(o.Cursor); key != nil {
			c.report(finding.Error, RuleDuplicateKey, yamledit.Cursor{Node: key, Doc: o.Doc}, "keep one of them", "%s: the key %s is repeated; it is first on line %d", o, key.Value, first.Line)
		}
	}
	at := o.Get("data")
	if !at.OK() {
		at = c.nameOf(o)
	}
	switch {
	case total > maxObject:
		c.report(finding.Error, RuleTooLarge, at, "split it into several, and mount them together with a projected volume",
			"%s has %d bytes: the API server accepts at most %d", o, total, maxObject)
	case total > maxApplied && o.Kind == "ConfigMap":
		c.report(finding.Info, RuleTooLarge, at, "use kubectl apply --server-side, or kubectl replace", "%s has %d bytes: too many for kubectl apply, which keeps a copy in an annotation of at most %d", o, total, maxApplied)
	}
}

// alone judges the values of an object that no server of the input reads.
func (c *check) alone(o *manifest.Object) {
	byKind := map[string]map[string][]byte{}
	kinds := map[string]string{}
	var rest []string
	for _, v := range o.Values {
		if c.judged[v] || v.Problem != "" {
			continue
		}
		kind := c.kind(v.Key, v)
		switch {
		case kind != "" && serverOf(kind) == grafanaKind && len(v.Content) > maxObject:
			c.skip(c.nameOf(o), "key %s of %s, which is larger than any object may be", v.Key, o)
		case kind != "" && (o.Kind == "ConfigMap" || kind != KindDashboard):
			if byKind[kind] == nil {
				byKind[kind] = map[string][]byte{}
			}
			byKind[kind][v.Key], kinds[v.Key] = v.Content, kind
		case o.Kind == "ConfigMap":
			rest = append(rest, v.Key)
		}
	}
	if n := len(rest); n > maxNamed {
		rest = append(rest[:maxNamed], plural(n-maxNamed, "other key"))
	}
	if len(rest) > 0 {
		c.skip(c.nameOf(o), "%s in %s", strings.Join(rest, ", "), o)
	}
	if len(kinds) == 0 {
		return
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		findings, ok := c.known(o, kind, byKind[kind])
		if !ok {
			findings, ok = c.ask(kind, byKind[kind])
		}
		if !ok {
			return
		}
		for key := range byKind[kind] {
			c.judged[o.Value(key)] = true
		}
		for _, f := range findings {
			if v := o.Value(f.File); v != nil {
				c.Findings = append(c.Findings, placed(f, v))
			}
		}
	}
	c.Judged = append(c.Judged, o.String()+" ("+plural(len(kinds), "file")+")")
	c.notMounted(o, kinds)
}

// known are the findings about rule files that judgeRules has judged; false when it has not judged all of them.
func (c *check) known(o *manifest.Object, kind string, files map[string][]byte) (all []finding.Finding, ok bool) {
	for key := range files {
		list, known := c.rules[o.Value(key)]
		if kind != KindRules || !known {
			return nil, false
		}
		for _, f := range list {
			f.File = key
			all = append(all, f)
		}
	}
	return all, true
}

// nameOf is where the name of an object is written; in a generator of kustomize it is at the top.
func (c *check) nameOf(o *manifest.Object) yamledit.Cursor {
	if at := o.Get("metadata", "name"); at.OK() {
		return at
	}
	return o.Get("name")
}

// serverOf is the server that reads files of a kind.
func serverOf(kind string) string {
	if kind == KindPrometheus || kind == KindRules {
		return prometheusKind
	}
	return grafanaKind
}

// notMounted warns about a ConfigMap that has files for a server of the input and that no volume uses.
func (c *check) notMounted(o *manifest.Object, kinds map[string]string) {
	if o.Kind != "ConfigMap" || c.mounted[o] || c.collected(o) {
		return
	}
	var keys []string
	server := ""
	for _, v := range o.Values {
		if kind := kinds[v.Key]; kind != "" && c.servers[serverOf(kind)] {
			keys, server = append(keys, v.Key), serverOf(kind)
		}
	}
	if len(keys) == 0 {
		return
	}
	c.report(finding.Warning, RuleNotMounted, c.nameOf(o), "add a volume with it to the pod of "+server+" and mount it where the server looks",
		"no volume in the input names %s: %s never sees %s", o, server, strings.Join(keys[:min(len(keys), maxNamed)], ", "))
}

// collectedLabels are the usual labels by which sidecars and operators collect ConfigMaps.
var collectedLabels = []string{"grafana_dashboard", "grafana_datasource", "grafana_alert", "grafana_notifier", "grafana_plugin", "k8s-sidecar-target"}

// collected reports whether a sidecar collects the object by its labels, so that it needs no volume.
func (c *check) collected(o *manifest.Object) bool {
	for _, l := range collectedLabels {
		if o.Labels.Get(l).OK() {
			return true
		}
	}
	return slices.ContainsFunc(c.collectors, func(label string) bool { return label == "" || o.Labels.Get(label).OK() })
}

// collectorsOf are the labels by which the sidecars of the input collect ConfigMaps, with an empty one for an unknown label.
func collectorsOf(in *manifest.Input) []string {
	var labels []string
	for _, w := range in.Workloads {
		for _, container := range w.AllContainers() {
			if !strings.HasSuffix(container.ImageName(), "k8s-sidecar") {
				continue
			}
			if label, _, ok := in.Variable(w, container, "LABEL"); !ok || label != "" {
				labels = append(labels, label)
			}
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}
