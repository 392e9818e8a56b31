package driver

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// shared makes n dashboard files of a few organizations, uids (some without one), contents and providers.
func shared(r *rand.Rand, n, uids int) expectation {
	e := newExpectation()
	for i := range 6 {
		e.Providers = append(e.Providers, providerEntry{Org: int64(1 + i%2), Name: fmt.Sprint("p", i)})
	}
	for i := range n {
		p := r.IntN(len(e.Providers))
		content := r.IntN(n/4 + 2)
		d := dashboard{File: fmt.Sprint("json/", i), Org: e.Providers[p].Org, Checksum: fmt.Sprint("sum", content), Content: uint64(content + 1), Providers: []int{p}}
		if uid := r.IntN(uids + 1); uid > 0 {
			d.UID = fmt.Sprint("u", uid)
		}
		e.Dashboards = append(e.Dashboards, d)
	}
	e.indexDashboards()
	return e
}

// The index of dashboards that share a uid gives the same result as a search through all files: the first file that Grafana
// may show instead, and the providers of equal files.
func TestSharedUID(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		e := shared(r, 1+r.IntN(24), 3)
		for i, want := range e.Dashboards {
			others := func(fits func(dashboard) bool) *dashboard {
				for j := range e.Dashboards {
					if d := &e.Dashboards[j]; j != i && want.UID != "" && d.UID == want.UID && d.Org == want.Org && fits(*d) {
						return d
					}
				}
				return nil
			}
			for sum := range 8 {
				checksum, content := fmt.Sprint("sum", sum), uint64(sum+1)
				if checksum == want.Checksum {
					continue // then Grafana shows this very file
				}
				if got, naive := e.withChecksum(want, checksum), others(func(d dashboard) bool { return d.Checksum == checksum }); got != naive {
					t.Fatalf("%+v: checksum %s belongs to %+v, want %+v", want, checksum, got, naive)
				}
				if got, naive := e.withContent(want, content), others(func(d dashboard) bool { return d.Content == content }); got != naive {
					t.Fatalf("%+v: content %d belongs to %+v, want %+v", want, content, got, naive)
				}
			}
			naive := slices.Clone(want.Providers)
			others(func(d dashboard) bool {
				if d.Checksum == want.Checksum {
					naive = append(naive, d.Providers...)
				}
				return false
			})
			var got, wanted []string // each provider once, in the order in which they are asked
			for _, p := range e.claims(want) {
				if !slices.Contains(got, p.Name) {
					got = append(got, p.Name)
				}
			}
			for _, p := range naive {
				if !slices.Contains(wanted, e.Providers[p].Name) {
					wanted = append(wanted, e.Providers[p].Name)
				}
			}
			if !slices.Equal(got, wanted) {
				t.Fatalf("%+v is claimed by %q, not by %q", want, got, wanted)
			}
		}
	}
}

// BenchmarkSharedUID compares files that all have the same uid; the time must grow in proportion to their number.
func BenchmarkSharedUID(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := shared(rand.New(rand.NewPCG(1, 2)), n, 1)
			d := New(Options{})
			have := &stored{byUID: map[string]storedDashboard{"u1": {checksum: "sum0"}}, detailed: true}
			for b.Loop() {
				e.indexDashboards()
				details, seen := 0, newComparison(nil)
				for _, want := range e.Dashboards {
					if want.UID == "" {
						continue
					}
					if _, err := d.compareDashboard(b.Context(), &e, want, have, &details, seen); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
