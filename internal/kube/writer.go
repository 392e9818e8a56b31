package kube

import (
	"time"

	"reloader/internal/history"
	"reloader/internal/paths"
)

// managedField is the part of metadata.managedFields that says who wrote when.
type managedField struct {
	Manager     string    `json:"manager"`
	Time        time.Time `json:"time"`
	Subresource string    `json:"subresource"`
}

// lastWrite is the newest write to an object; the zero value when the API does not report it.
func lastWrite(fields []managedField) managedField {
	var last managedField
	for _, f := range fields {
		if f.Subresource == "" && f.Time.After(last.Time) {
			last = f
		}
	}
	return last
}

// note records who wrote an object last.
func (p *Propagation) note(o object, mounts []string, fields []managedField) {
	last := lastWrite(fields)
	if last.Time.IsZero() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.written == nil {
		p.written = map[object]mountedWrite{}
	}
	p.written[o] = mountedWrite{mounts, history.Writer{Object: o.String(), Manager: last.Manager, Time: last.Time}}
}

type mountedWrite struct {
	mounts []string
	history.Writer
}

// LastWrite is the newest write after since to an object that is mounted at, above or below one of the
// directories; nil if none is known.
func (p *Propagation) LastWrite(dirs []string, since time.Time) *history.Writer {
	p.mu.Lock()
	defer p.mu.Unlock()
	var last *history.Writer
	for _, w := range p.written {
		if paths.AnyOverlap(w.mounts, dirs) && w.Time.After(since) && (last == nil || w.Time.After(last.Time)) {
			last = &w.Writer
		}
	}
	return last
}
