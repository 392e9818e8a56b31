// Package inject adds the reloader sidecar to a Kubernetes manifest and leaves every other byte of it alone.
package inject

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// MaxSize is the largest manifest in bytes that Inject reads.
const MaxSize = 64 << 20

// Options say what to add.
type Options struct {
	// Image is the sidecar's image.
	Image string
	// PrometheusContainer and GrafanaContainer name the servers' containers where their
	// images, arguments and ports do not tell.
	PrometheusContainer string
	GrafanaContainer    string
	// Gated lets the servers read copies that only reloader writes, instead of the mounts.
	Gated bool
	// FastPropagation and Events add the flag and the Role that it needs.
	FastPropagation bool
	Events          bool
}

// Result is a changed manifest.
type Result struct {
	// Output is the whole manifest; equal to the input when there was nothing to change.
	Output []byte
	// Notes explain each change, and warn of what could not be changed.
	Notes []Note
}

// Note is one remark for the user. It never holds a value that could be a secret.
type Note struct {
	// Line is where in the input, counted from 1; 0 when the note is about the whole.
	Line int
	// Workload is "Deployment/monitor"; empty when the note is about the whole.
	Workload string
	// Warning says that something is left for the user to do.
	Warning bool
	Text    string
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

// Inject adds the sidecar to every workload in src that runs Prometheus or Grafana. After an
// error nothing is to be written. Injecting its own output changes nothing.
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
	slices.SortStableFunc(p.notes, func(a, b Note) int { return a.Line - b.Line })
	return Result{Output: out, Notes: p.notes}, nil
}

func inject(src []byte, o Options) (*planner, []byte, error) {
	if len(src) > MaxSize {
		return nil, nil, &Error{Text: fmt.Sprintf("the manifest has %d bytes, more than the %d that inject reads", len(src), MaxSize)}
	}
	docs, err := parse(src)
	if err != nil {
		return nil, nil, err
	}
	workloads, others := findWorkloads(docs)
	if len(workloads) == 0 {
		return nil, nil, noWorkload(others)
	}
	p := &planner{opts: o, ed: newEditor(src), docs: docs}
	var misses []string
	found := false
	for _, w := range workloads {
		ok, err := p.workload(w)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			found = true
			continue
		}
		misses = append(misses, fmt.Sprintf("%s (containers: %s)", w, strings.Join(w.containerNames(), ", ")))
	}
	if !found {
		return nil, nil, &Error{
			Line: workloads[0].line(),
			Text: o.missing() + " found in " + strings.Join(misses, "; "),
			Hint: "name it with --prometheus-container or --grafana-container",
		}
	}
	out, err := p.ed.apply()
	return p, out, err
}

func (o Options) missing() string {
	switch p, g := o.PrometheusContainer, o.GrafanaContainer; {
	case p != "" && g != "":
		return fmt.Sprintf("no container %s or %s", p, g)
	case p+g != "":
		return "no container " + p + g
	}
	return "no Prometheus or Grafana container"
}

func noWorkload(others []string) error {
	text := "no Deployment, StatefulSet, DaemonSet or Pod found"
	if len(others) > 0 {
		slices.Sort(others)
		others = slices.Compact(others)
		if len(others) > 8 {
			others = append(others[:8], "...")
		}
		text += " (found: " + strings.Join(others, ", ") + ")"
	}
	e := &Error{Text: text}
	if slices.Contains(others, "Prometheus") || slices.Contains(others, "Grafana") {
		e.Hint = "an operator makes the workload from this object; give it the sidecar through the object's own spec.containers"
	}
	return e
}
