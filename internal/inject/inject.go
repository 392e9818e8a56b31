// Package inject adds the reloader sidecar to a Kubernetes manifest and leaves every other byte of it alone.
package inject

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// MaxSize is the largest manifest in bytes that Inject reads.
const MaxSize = 64 << 20

// Options say what to add.
type Options struct {
	// Image is the sidecar's image.
	Image string
	// PrometheusContainer and GrafanaContainer name the containers of the servers if they cannot be recognized by image, arguments
	// and ports.
	PrometheusContainer string
	GrafanaContainer    string
	// Gated lets the servers read copies that only reloader writes instead of the mounts.
	Gated bool
	// FastPropagation and Events each add a flag and the Role that it needs.
	FastPropagation bool
	Events          bool
	// OpenShift sets no fixed user, because the cluster gives each namespace its own.
	OpenShift bool
}

// Result is a changed manifest.
type Result struct {
	// Output is the whole manifest; equal to the input when there was nothing to change.
	Output []byte
	// Notes explain each change, and warn about what could not be changed.
	Notes []Note
	// Added means that a workload got the sidecar, which the manifest did not have before.
	Added bool
}

// Note is one remark for the user. It never holds a value that could be a secret.
type Note struct {
	// Line is the line in the input, counted from 1; 0 when the note is about the whole manifest.
	Line int
	// Workload is "Deployment/monitor"; empty when the note is about the whole manifest.
	Workload string
	// About is the name of the container that changed; empty when the change is elsewhere in the pod.
	About string
	// Warning means that something is left for the user to do.
	Warning bool
	// Text may have several lines.
	Text string
}

// Error says why a manifest was not changed.
type Error struct {
	// Line counts from 1; 0 means unknown.
	Line int
	// Workload is "Deployment/monitor"; may be empty.
	Workload string
	Text     string
	// Hint says what to do about it; may be empty.
	Hint string
	// whole means that the pod cannot be changed at all. Otherwise the error is about one server, and another one in the pod can still
	// be followed.
	whole bool
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Workload != "" {
		b.WriteString(e.Workload + ": ")
	}
	b.WriteString(e.Text)
	return b.String()
}

// note turns the error into a warning that a workload, or a server in it, stays as it is.
func (e *Error) note() Note {
	text := "stays as it is: " + e.Text
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return Note{Line: e.Line, Workload: e.Workload, Warning: true, Text: text}
}

// edited converts an error of the editor or its parser; workload is empty for the whole manifest.
func edited(err error, workload string) error {
	var e *yamledit.Error
	if !errors.As(err, &e) {
		return err
	}
	return &Error{Line: e.Line, Workload: workload, Text: e.Text, Hint: e.Hint}
}

// Inject adds the sidecar to every workload in src that runs Prometheus or Grafana. After an error there is nothing to write.
// Injecting into its own output changes nothing.
func Inject(src []byte, o Options) (Result, error) {
	p, out, err := inject(src, o)
	if err != nil {
		return Result{}, err
	}
	if !bytes.Equal(out, src) {
		if err := p.verify(out); err != nil {
			return Result{}, err
		}
	}
	sort.SliceStable(p.notes, func(i, j int) bool { return p.notes[i].Line < p.notes[j].Line })
	return Result{Output: out, Notes: p.notes, Added: p.sidecars > 0}, nil
}

func inject(src []byte, o Options) (*planner, []byte, error) {
	if len(src) > MaxSize {
		return nil, nil, &Error{Text: fmt.Sprintf("the manifest has %d bytes; inject reads at most %d", len(src), MaxSize)}
	}
	if len(bytes.TrimSpace(src)) == 0 {
		return nil, nil, &Error{Text: "the manifest is empty", Hint: "if it comes from a pipe, look at what the command before it says"}
	}
	in := &manifest.Input{}
	in.Add("", src)
	file := in.Files[0]
	if file.Err != nil {
		return nil, nil, edited(file.Err, "")
	}
	contents := file.Contents
	workloads, others := contents.Workloads, contents.Others
	if len(workloads) == 0 {
		return nil, nil, noWorkload(others)
	}
	if err := o.named(workloads); err != nil {
		return nil, nil, err
	}
	p := &planner{opts: o, ed: yamledit.NewEditor(src), docs: file.Docs, in: in, accounts: map[string][]yamledit.Cursor{}}
	p.operators(others)
	for _, o := range others {
		if o.Get("kind").Str() == "ServiceAccount" {
			name := o.Get("metadata", "name").Str()
			p.accounts[name] = append(p.accounts[name], o)
		}
	}
	p.isOpenShift = slices.ContainsFunc(others, openshiftObject) ||
		slices.ContainsFunc(workloads, func(w *manifest.Workload) bool { return openshiftObject(w.Object) })
	var misses []string
	found := false
	var first error
	for _, w := range workloads {
		mark, notes, sidecars := p.ed.Mark(), len(p.notes), p.sidecars
		ok, err := p.workload(w)
		if refusal, ok := errors.AsType[*Error](err); ok {
			// A workload that has to stay as it is does not affect the others.
			p.ed.Rollback(mark)
			p.notes, p.sidecars = append(p.notes[:notes], refusal.note()), sidecars
			if first == nil {
				first = err
			}
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if ok {
			found = true
			continue
		}
		misses = append(misses, fmt.Sprintf("%s (containers: %s)", w, strings.Join(w.ContainerNames(), ", ")))
	}
	if !found && first != nil {
		return nil, nil, first
	}
	if !found {
		return nil, nil, o.nothing(workloads, misses, others)
	}
	out, err := p.ed.Apply()
	return p, out, edited(err, "")
}

// openshiftObject reports whether an object belongs to an API group of OpenShift.
func openshiftObject(c yamledit.Cursor) bool {
	group, _, ok := strings.Cut(c.Get("apiVersion").Str(), "/")
	return ok && strings.HasSuffix(group, ".openshift.io")
}

// named refuses the name of a container that no workload has: its server would be left out without a word.
func (o Options) named(workloads []*manifest.Workload) error {
	for _, given := range [][2]string{{"--prometheus-container", o.PrometheusContainer}, {"--grafana-container", o.GrafanaContainer}} {
		flag, name := given[0], given[1]
		has := func(w *manifest.Workload) bool {
			return slices.ContainsFunc(w.Containers, func(c manifest.Container) bool { return c.Name() == name })
		}
		if name == "" || slices.ContainsFunc(workloads, has) {
			continue
		}
		var have []string
		for _, w := range workloads {
			have = append(have, fmt.Sprintf("%s (containers: %s)", w, strings.Join(w.ContainerNames(), ", ")))
		}
		return &Error{Line: workloads[0].Line(), Text: "no container " + name + " found in " + few(have), Hint: flag + " takes one of these names"}
	}
	return nil
}

// few lists the first eight of many, and how many more there are.
func few(all []string) string {
	if n := len(all); n > 8 {
		all = append(slices.Clone(all[:8]), fmt.Sprintf("and %d more", n-8))
	}
	return strings.Join(all, "; ")
}

// nothing is the error when no server was found: it lists the containers and suggests what to do.
func (o Options) nothing(workloads []*manifest.Workload, misses []string, others []yamledit.Cursor) error {
	e := &Error{
		Line: workloads[0].Line(),
		Text: "no Prometheus or Grafana container found in " + few(misses),
		Hint: "name it with --prometheus-container or --grafana-container",
	}
	for _, w := range workloads {
		if w.IsPatch() {
			e.Hint = "a container without an image is only part of a manifest: give inject the whole, for example kustomize build . | reloader inject -f -"
		}
	}
	if hint := hintFor(others); hint != "" {
		e.Hint = hint
	}
	return e
}

func noWorkload(others []yamledit.Cursor) error {
	var kinds []string
	for _, c := range others {
		kinds = append(kinds, c.Get("kind").Str())
	}
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	text := "no Deployment, StatefulSet, DaemonSet or Pod found"
	if len(kinds) > 8 {
		kinds = append(kinds[:8], "...")
	}
	if len(kinds) > 0 {
		text += " (found: " + strings.Join(kinds, ", ") + ")"
	}
	hint := hintFor(others)
	if len(kinds) == 0 {
		hint = "give it the manifest that you apply; for a Helm chart, that is the output of helm template: helm template ... | reloader inject -f -"
	}
	return &Error{Text: text, Hint: hint}
}

// hintFor says what to do with objects from which other tools make the workloads.
func hintFor(others []yamledit.Cursor) string {
	for _, c := range others {
		switch kind := c.Get("kind").Str(); kind {
		case "Kustomization", "Component":
			return "kustomize build . | reloader inject -f -"
		case "Template":
			return "oc process -f FILE | reloader inject -f -"
		case "HelmRelease", "HelmChart":
			return "render the chart first: helm template ... | reloader inject -f -"
		default:
			if text, ok := operated[kind]; ok {
				return text
			}
		}
	}
	return ""
}
