package exposition_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"reloader/internal/exposition"
)

// parse reads the text with Prometheus' own parser.
func parse(t *testing.T, text []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return families
}

// byClient returns what client_golang writes for these collectors.
func byClient(t *testing.T, collectors ...prometheus.Collector) map[string]*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewRegistry()
	for _, c := range collectors {
		registry.MustRegister(c)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return parse(t, b.Bytes())
}

// A histogram, a counter and a gauge are written as client_golang writes them, with all kinds of values.
func TestAsClientGolang(t *testing.T) {
	t.Parallel()
	bounds := []float64{.001, .5, 1, 30}
	theirs := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "took_seconds", Help: "A \\ and\na line.", Buckets: bounds}, []string{"target"})
	count := prometheus.NewCounter(prometheus.CounterOpts{Name: "n_total", Help: "Count."})
	level := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "level", Help: "Level."}, []string{"a", "b"})
	var w exposition.Writer
	w.Family(exposition.Histogram, "took_seconds", "A \\ and\na line.")
	random := rand.New(rand.NewPCG(1, 2))
	for _, target := range []string{"a", "b"} {
		ours := exposition.NewBuckets(bounds...)
		theirs.WithLabelValues(target)
		for range 1000 {
			v := math.Pow(10, random.Float64()*8-5)
			if random.IntN(10) == 0 {
				v = bounds[random.IntN(len(bounds))]
			}
			ours.Observe(v)
			theirs.WithLabelValues(target).Observe(v)
		}
		w.Buckets(ours, exposition.Label{Name: "target", Value: target})
	}
	w.Family(exposition.Counter, "left_out_total", "A family without a sample.")
	w.Family(exposition.Counter, "n_total", "Count.")
	count.Add(1.5e300)
	w.Sample(1.5e300)
	w.Family(exposition.Gauge, "level", "Level.")
	for i, v := range []float64{0, -1, 1e-9, 1700000001.25, 1 << 60, math.Inf(1), math.Inf(-1)} {
		label := strings.Repeat("x", i)
		level.WithLabelValues(label, "\"\\\n").Set(v)
		w.Sample(v, exposition.Label{Name: "a", Value: label}, exposition.Label{Name: "b", Value: "\"\\\n"})
	}
	want, got := byClient(t, theirs, count, level), parse(t, w.Bytes())
	if len(want) != 3 || len(got) != len(want) {
		t.Errorf("%d families, want %d:\n%s", len(got), len(want), w.Bytes())
	}
	for name, f := range want {
		if diff := cmp.Diff(f.String(), got[name].String()); diff != "" {
			t.Errorf("%s: - client_golang, + ours:\n%s", name, diff)
		}
	}
}

// FuzzLabel: Prometheus reads any valid text as the value of a label unchanged, and no text adds a line.
func FuzzLabel(f *testing.F) {
	for _, s := range []string{"", "a", "\"}\n# TYPE x counter\n", "\\", "\\n", "\xff\xfe", "\x00", "ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var w exposition.Writer
		w.Family(exposition.Gauge, "g", s)
		w.Sample(1, exposition.Label{Name: "l", Value: s}, exposition.Label{Name: "m", Value: s})
		if strings.Count(string(w.Bytes()), "\n") != 3 {
			t.Fatalf("more lines than three: %q", w.Bytes())
		}
		if strings.ToValidUTF8(s, "") != s {
			return // the parser refuses such a help text, which is never one of reloader's
		}
		labels := parse(t, w.Bytes())["g"].GetMetric()[0].GetLabel()
		if len(labels) != 2 {
			t.Errorf("%d labels, want 2: %q", len(labels), w.Bytes())
		}
		for _, l := range labels {
			if l.GetValue() != s {
				t.Errorf("%q, want %q", l.GetValue(), s)
			}
		}
	})
}

// Bytes that are not UTF-8 are replaced by ?, and do not make the whole page unreadable.
func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	var w exposition.Writer
	w.Family(exposition.Gauge, "g", "Help.")
	w.Sample(1, exposition.Label{Name: "l", Value: "3.1\xff\xfe.0"})
	if got := parse(t, w.Bytes())["g"].GetMetric()[0].GetLabel()[0].GetValue(); got != "3.1?.0" {
		t.Errorf("%q", got)
	}
}

// The names, types and labels of the process' metrics follow Prometheus' rules.
func TestProcessLint(t *testing.T) {
	t.Parallel()
	var w exposition.Writer
	w.Process()
	if len(w.Bytes()) == 0 {
		t.Error("no metrics of the process")
	}
	problems, err := promlint.New(bytes.NewReader(w.Bytes())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
