package judge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
)

// A verdict without a server to compare is the same as one with a server, except that it has no digests of what the server shows.
func TestOffline(t *testing.T) {
	t.Parallel()
	shown := 0
	for _, c := range caseFiles(t) {
		ar, err := txtar.ParseFile(c)
		if err != nil {
			t.Fatal(err)
		}
		q := questionOf(ar)
		want := Judge(q)
		offline := *q
		offline.Offline = true
		got := Judge(&offline)
		if got.Expected != nil && (got.Expected.Text != 0 || len(got.Expected.Items)+len(got.Expected.FileJobs) > 0) {
			t.Errorf("%s: there are digests: %+v", c, got.Expected)
		}
		shown += withoutDigests(want)
		if n := withoutDigests(got); n > 0 {
			t.Errorf("%s: %d groups are shown", c, n)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: with a server (-), offline (+):\n%s", c, d)
		}
	}
	if shown < 10 {
		t.Errorf("all cases together have only %d groups to compare", shown)
	}
}

// withoutDigests removes what only a comparison with a server needs, and counts the removed groups. It also sorts the findings: the
// library reports those of one rule in any order.
func withoutDigests(a *validator.Answer) (groups int) {
	slices.SortFunc(a.Findings, func(a, b validator.Finding) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, f := range a.Rules {
		for i := range f.Groups {
			if f.Groups[i].Shown != nil {
				groups++
			}
			f.Groups[i].Shown = nil
		}
	}
	if e := a.Expected; e != nil {
		a.Expected = &proof.Expected{
			Library: e.Library, Main: e.Main, Agent: e.Agent, Jobs: e.Jobs, OpenJobs: e.OpenJobs, OpenRules: e.OpenRules,
			Interval: e.Interval, Unread: e.Unread,
		}
	}
	return groups
}
