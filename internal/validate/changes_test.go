package validate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	from := &Outline{Items: []Item{
		{Kind: "scrape job", Name: "a", Fingerprint: 1}, {Kind: "scrape job", Name: "b", Fingerprint: 1},
		{Kind: "rule group", Name: "a", Fingerprint: 1},
	}}
	to := &Outline{Items: []Item{
		{Kind: "scrape job", Name: "b", Fingerprint: 2}, {Kind: "scrape job", Name: "c\n", Fingerprint: 1},
		{Kind: "rule group", Name: "a", Fingerprint: 1},
	}}
	want := []string{"scrape job c  added", "scrape job b changed", "scrape job a removed"}
	if diff := cmp.Diff(want, Changes(from, to)); diff != "" {
		t.Error(diff)
	}
	if got := Changes(nil, to); got != nil {
		t.Errorf("from nothing known: %v", got)
	}
	if got := Changes(to, to); got != nil {
		t.Errorf("from itself: %v", got)
	}
}

func TestManyChanges(t *testing.T) {
	t.Parallel()
	to := &Outline{}
	for i := range 250 {
		to.Items = append(to.Items, Item{Kind: "rule group", Name: fmt.Sprint(i)})
	}
	got := Changes(&Outline{}, to)
	if len(got) != 101 || got[100] != "and 150 more" {
		t.Errorf("%d lines, the last is %q", len(got), got[len(got)-1])
	}
}
