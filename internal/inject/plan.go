package inject

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/lazyregexp"
	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

const sidecarName = "reloader"

// planner plans the edits of all workloads.
type planner struct {
	opts Options
	ed   *yamledit.Editor
	docs []*yamledit.Document
	// in is the manifest, to look up what containers find.
	in *manifest.Input
	// accounts are the service accounts of the manifest, by name.
	accounts map[string][]yamledit.Cursor
	notes    []Note
	sidecars int // how many were added
	// isOpenShift means that some object of the manifest belongs to an API group of OpenShift.
	isOpenShift bool
}

// maxParts is the most volumes and containers of a pod, and the most mounts, arguments and variables of a container: they may be
// compared each with each. Real pods have far fewer.
const maxParts = 500

// plan has the changes to one workload.
type plan struct {
	*planner
	w       *manifest.Workload
	dash    int             // how far the manifest indents the dashes of a list below its key
	taken   map[string]bool // names of volumes that exist
	numbers map[string]int  // the next number to try for a name
	// moved are the nodes of mounts that are removed or get another volume; added are new volumes.
	moved  map[*yaml.Node]bool
	added  yamledit.List
	side   sidecar
	there  bool           // the manifest already has the sidecar
	gate   bool           // and that has a gate
	noUser bool           // OpenShift gives each namespace its own user, and refuses a fixed one
	values map[string]any // what volumeValues returns, including the first valued elements of added
	valued int
	told   bool // a note has already said why subPath mounts are changed
}

// workload plans the changes to w; false when neither server runs in it.
func (p *planner) workload(w *manifest.Workload) (bool, error) {
	prometheus, grafana, err := p.find(w)
	if err != nil || !prometheus.OK() && !grafana.OK() {
		return false, err
	}
	if err := readable(w); err != nil {
		return false, err
	}
	pl := &plan{planner: p, w: w, dash: dashOf(w), taken: map[string]bool{}, numbers: map[string]int{}, moved: map[*yaml.Node]bool{}}
	pl.noUser = pl.openshift()
	for _, v := range w.Volumes {
		pl.taken[v.Name] = true
	}
	before, err := pl.present()
	if err != nil {
		return false, err
	}
	if err := pl.servers(prometheus, grafana); err != nil {
		return false, err
	}
	if pl.there {
		pl.stays(before)
	} else {
		pl.sidecar()
		p.sidecars++
	}
	pl.ed.Put(w.Pod, "volumes", "", pl.dash, pl.added...)
	pl.removeUnused()
	pl.remarks()
	if e := p.ed.Err(); e != nil {
		return false, edited(e, pl.w.String())
	}
	return true, nil
}

// servers plans the changes for both servers. If only one of them can be followed, the other stays as it is.
func (pl *plan) servers(prometheus, grafana manifest.Container) error {
	var left []*Error
	done := 0
	for _, s := range []struct {
		container manifest.Container
		plan      func(manifest.Container) error
	}{{prometheus, pl.prometheus}, {grafana, pl.grafana}} {
		if !s.container.OK() {
			continue
		}
		mark, notes, was := pl.ed.Mark(), len(pl.notes), *pl
		was.side.mounts, was.side.args, was.side.env, was.side.at = slices.Clone(was.side.mounts), slices.Clone(was.side.args), slices.Clone(was.side.env), maps.Clone(was.side.at)
		was.moved, was.values, was.valued = maps.Clone(was.moved), nil, 0
		err := s.plan(s.container)
		var refusal *Error
		switch {
		case err == nil:
			done++
		case errors.As(err, &refusal) && !refusal.whole:
			left = append(left, refusal)
			pl.ed.Rollback(mark)
			*pl, pl.notes = was, pl.notes[:notes]
		default:
			return err
		}
	}
	if done == 0 && len(left) > 0 {
		return left[0]
	}
	for _, e := range left {
		pl.notes = append(pl.notes, e.note())
	}
	return nil
}

// readable refuses a workload that is ambiguous, too large, or restored by an operator.
func readable(w *manifest.Workload) error {
	if err := owned(w); err != nil {
		return err
	}
	for _, c := range w.AllContainers() {
		for i, n := range []int{len(c.Mounts), len(c.Words), len(c.Get("env").Items())} {
			if n > maxParts {
				what := []string{"mounts", "arguments", "variables"}[i]
				return &Error{Line: c.Line(), Workload: w.String(), Text: fmt.Sprintf("container %s has %d %s; inject works with at most %d", c.Name(), n, what, maxParts)}
			}
		}
	}
	for i, n := range []int{len(w.Volumes), len(w.AllContainers())} {
		if n > maxParts {
			what := []string{"volumes", "containers"}[i]
			return &Error{Line: w.Line(), Workload: w.String(), Text: fmt.Sprintf("the pod has %d %s; inject works with at most %d", n, what, maxParts)}
		}
	}
	if key, first := w.Object.Doc.Duplicate(w.Object); key != nil {
		return &Error{
			Line: key.Line, Workload: w.String(), Text: fmt.Sprintf("the key %s is repeated; it is first on line %d", key.Value, first.Line),
			Hint: "keep one of them; Kubernetes refuses both",
		}
	}
	return nil
}

// refuse is the error for a server, or outside of servers for the whole pod, that has to stay as it is.
func (pl *plan) refuse(c yamledit.Cursor, hint, format string, args ...any) error {
	return &Error{Line: c.Line(), Workload: pl.w.String(), Text: fmt.Sprintf(format, args...), Hint: hint}
}

// did reports a change to the container named about; about is empty for the pod.
func (pl *plan) did(about string, line int, format string, args ...any) {
	pl.notes = append(pl.notes, Note{Line: line, Workload: pl.w.String(), About: about, Text: fmt.Sprintf(format, args...)})
}

func (pl *plan) warn(c yamledit.Cursor, format string, args ...any) {
	pl.notes = append(pl.notes, Note{Line: c.Line(), Workload: pl.w.String(), Text: fmt.Sprintf(format, args...), Warning: true})
}

// find finds the containers of the servers by the given names, else by what they look like.
func (p *planner) find(w *manifest.Workload) (prometheus, grafana manifest.Container, err error) {
	one := func(named string, is func(manifest.Container) bool, what string) (manifest.Container, error) {
		var found []manifest.Container
		for _, c := range w.Containers {
			if named != "" && c.Name() == named || named == "" && is(c) {
				found = append(found, c)
			}
		}
		switch len(found) {
		case 0:
			return manifest.Container{}, nil
		case 1:
			return found[0], nil
		}
		return manifest.Container{}, &Error{
			Line: found[1].Line(), Workload: w.String(),
			Text: fmt.Sprintf("containers %s and %s both look like %s", found[0].Name(), found[1].Name(), what),
			Hint: "name the one to follow with --" + strings.ToLower(what) + "-container; for both, write the sidecar by hand, with a file of targets (docs/configuration.md)",
		}
	}
	if prometheus, err = one(p.opts.PrometheusContainer, manifest.Container.IsPrometheus, "Prometheus"); err != nil {
		return prometheus, grafana, err
	}
	grafana, err = one(p.opts.GrafanaContainer, manifest.Container.IsGrafana, "Grafana")
	return prometheus, grafana, err
}

// dashOf is how far the dashes of lists are indented below their key; 0 in the style of kubectl.
func dashOf(w *manifest.Workload) int {
	c := w.Pod.Get("containers")
	if c.Node == nil || c.Key == nil || !yamledit.IsBlock(c.Node) || c.Node.Line == c.Key.Line {
		return 0
	}
	return max(0, c.Node.Column-c.Key.Column)
}

// volumeName makes a name that the pod does not have yet.
func (pl *plan) volumeName(base string) string {
	name := base
	for i := max(2, pl.numbers[base]); pl.taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
		pl.numbers[base] = i + 1
	}
	pl.taken[name] = true
	return name
}

// removeUnused deletes the volumes that have lost their last mount.
func (pl *plan) removeUnused() {
	used, was := map[string]bool{}, map[string]bool{}
	for _, c := range pl.w.AllContainers() {
		for _, m := range c.Mounts {
			was[m.Volume] = true
			if !pl.moved[m.Node] {
				used[m.Volume] = true
			}
		}
	}
	for _, m := range pl.side.mounts {
		used[m.volume] = true
	}
	for _, v := range pl.w.Volumes {
		if was[v.Name] && !used[v.Name] {
			pl.ed.RemoveItem(pl.w.Pod.Get("volumes"), v.Cursor)
			pl.did("", v.Line(), "volume %s is removed: it is no longer mounted", v.Name)
		}
	}
}

// remarks warns about whatever makes reloading pointless.
func (pl *plan) remarks() {
	annotations := pl.w.Meta.Get("annotations")
	var names []string
	var lines []string
	first := yamledit.Cursor{}
	for _, f := range annotations.Fields() {
		if !checksum().MatchString(f.Key.Value) || f.Key.Value == "checksum/secret" {
			continue
		}
		lines = append(lines, strconv.Itoa(f.Key.Line)+"d")
		if names = append(names, f.Key.Value); !first.OK() {
			first = f
		}
	}
	if len(names) > 0 {
		pl.warn(first, "%s cause%s a new pod at every change of that configuration, before anything can be reloaded: remove %s%s",
			strings.Join(names, ", "), plural(names, "s", ""), plural(names, "it", "them"), bySed(annotations, lines))
	}
	pl.renewed()
	pl.otherReloaders()
}

// checksum matches the usual names of annotations that change with the configuration.
var checksum = lazyregexp.New(`(?i)^checksum[/.]|^(?:[^/]*/)?[a-z.-]*(?:config|rules|datasources?|dashboards?|configmap)[a-z.-]*-?_?\.?(?:hash|checksum|sha|sha1|sha256|md5)$`)

// hashed matches names to which kustomize appended a hash of the contents.
var hashed = lazyregexp.New(`-[bcdfghkmt2456789]{10}$`)

// renewed warns about whatever replaces the pod at each change.
func (pl *plan) renewed() {
	configMaps, secrets := pl.objects()
	for _, name := range slices.Concat(configMaps, secrets) {
		if hashed().MatchString(name) {
			pl.warn(pl.w.Pod.Get("volumes"), "%s looks like a name that kustomize made with a hash of the contents: each change gives a new name and so a new pod, before anything can be reloaded; set generatorOptions.disableNameSuffixHash: true", name)
		}
	}
	for i, names := range [][]string{configMaps, secrets} {
		for _, name := range names {
			if o := pl.in.Object([]string{"ConfigMap", "Secret"}[i], name, pl.w.Namespace); o != nil && o.Get("immutable").Is(true) {
				pl.warn(o.Get("immutable"), "%s is immutable: it can never change, and the kubelet does not look at it again. Remove that line, delete the object once, create it again, and replace the pod", o)
			}
		}
	}
	for _, meta := range []yamledit.Cursor{pl.w.Object.Get("metadata"), pl.w.Meta} {
		for _, f := range meta.Get("annotations").Fields() {
			if restarts().MatchString(f.Key.Value) {
				pl.warn(f, "%s makes a controller in the cluster replace the pod at each change of its ConfigMaps or Secrets, before anything can be reloaded: remove it", f.Key.Value)
			}
		}
	}
}

// restarts matches the annotations that make Stakater's Reloader and Wave restart workloads.
var restarts = lazyregexp.New(`^(?:[a-z]+\.)?reloader\.stakater\.com/(?:auto|reload|search)$|^wave\.pusher\.com/update-on-config-change$`)

// bySed is the command that removes exactly these lines from the manifest before the injection; empty when they have other contents,
// too.
func bySed(annotations yamledit.Cursor, lines []string) string {
	if !yamledit.IsBlock(annotations.Node) {
		return ""
	}
	for i := 0; i+1 < len(annotations.Node.Content); i += 2 {
		k, v := annotations.Node.Content[i], annotations.Node.Content[i+1]
		if v.Line != k.Line || v.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || k.Line == annotations.Line() {
			return ""
		}
	}
	return " (run sed '" + strings.Join(lines, ";") + "' on this manifest before inject)"
}

func plural(list []string, one, many string) string {
	if len(list) == 1 {
		return one
	}
	return many
}
