// Package exposition writes metrics in Prometheus' text format 0.0.4. It does what reloader needs of client_golang,
// which links protobuf: 2 MB of the program, and as much of its resident memory.
// See https://prometheus.io/docs/instrumenting/exposition_formats/.
package exposition

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ContentType is the HTTP header for what a Writer writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Kind is the type of a family.
type Kind string

// The kinds of families.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
	Summary   Kind = "summary"
)

// Label is one label of a sample. A name in a list of labels comes once, and a value may be any text.
type Label struct{ Name, Value string }

// Writer collects families one after the other. The zero value is empty.
type Writer struct {
	b      bytes.Buffer
	name   string
	header string // of the current family, until its first sample
}

// Bytes is what was written.
func (w *Writer) Bytes() []byte { return w.b.Bytes() }

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// Family begins a family; the samples that follow are its. A family without samples is left out.
func (w *Writer) Family(kind Kind, name, help string) {
	w.name = name
	w.header = "# HELP " + name + " " + helpEscapes.Replace(help) + "\n# TYPE " + name + " " + string(kind) + "\n"
}

// Sample writes one value of the current family, a counter or a gauge.
func (w *Writer) Sample(value float64, labels ...Label) { w.sample("", value, labels...) }

// One writes a family with one sample.
func (w *Writer) One(kind Kind, name, help string, value float64, labels ...Label) {
	w.Family(kind, name, help)
	w.Sample(value, labels...)
}

func (w *Writer) sample(suffix string, value float64, labels ...Label) {
	w.b.WriteString(w.header)
	w.header = ""
	w.b.WriteString(w.name + suffix)
	open := byte('{')
	for _, l := range labels {
		w.b.WriteByte(open)
		open = ','
		w.b.WriteString(l.Name + `="` + labelEscapes.Replace(strings.ToValidUTF8(l.Value, "?")) + `"`)
	}
	if len(labels) > 0 {
		w.b.WriteByte('}')
	}
	w.b.WriteString(" " + number(value) + "\n")
}

// number writes +Inf, -Inf and NaN as the format wants them.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Buckets count observations. All methods may be called from any goroutine.
type Buckets struct {
	bounds []float64

	mu     sync.Mutex
	counts []uint64 // by bound, not cumulative; the last is for what is above all bounds
	sum    float64
}

// NewBuckets returns empty buckets with these upper bounds, in ascending order and without infinity.
func NewBuckets(bounds ...float64) *Buckets {
	return &Buckets{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

// Observe counts a value in the first bucket whose bound is not below it.
func (b *Buckets) Observe(v float64) {
	i, _ := slices.BinarySearch(b.bounds, v)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[i]++
	b.sum += v
}

// Buckets writes the series of one histogram of the current family.
func (w *Writer) Buckets(b *Buckets, labels ...Label) {
	b.mu.Lock()
	counts, sum := slices.Clone(b.counts), b.sum
	b.mu.Unlock()
	var total uint64
	labels = slices.Clip(labels)
	for i, n := range counts {
		le := "+Inf"
		if i < len(b.bounds) {
			le = number(b.bounds[i])
		}
		total += n
		w.sample("_bucket", float64(total), append(labels, Label{"le", le})...)
	}
	w.sample("_sum", sum, labels...)
	w.sample("_count", float64(total), labels...)
}
