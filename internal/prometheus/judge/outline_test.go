package judge

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outlineOf returns a main file's items as "kind name" with their fingerprints.
func outlineOf(t *testing.T, body string) (names []string, prints map[string]uint64) {
	t.Helper()
	a := judgeText(body, false)
	if found := errorsOf(a); len(found) > 0 {
		t.Fatalf("Prometheus would refuse it: %v", found)
	}
	prints = map[string]uint64{}
	for _, item := range a.Items {
		name := fmt.Sprintf("%s %s", item.Kind, item.Name)
		names = append(names, name)
		prints[name] = item.Fingerprint
	}
	return names, prints
}

// Jobs and patterns are found in every form of YAML: with aliases, merged keys, and lists defined elsewhere.
func TestOutlineResolvesAliases(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"plain": {
			"scrape_configs: [{job_name: a}, {job_name: b}]\nrule_files: [r.yml]\n",
			[]string{"scrape job a", "scrape job b", "rule_files pattern r.yml"},
		},
		"a list elsewhere": {
			"rule_files: &list [a.yml]\nscrape_config_files: *list\n",
			[]string{"rule_files pattern a.yml", "scrape_config_files pattern a.yml"},
		},
		"a pattern elsewhere": {
			"rule_files: [&p a.yml, *p]\n",
			[]string{"rule_files pattern a.yml", "rule_files pattern a.yml"},
		},
		"merged jobs": {
			"scrape_configs:\n- &base {job_name: a, scrape_interval: 5s}\n- {<<: *base, job_name: b}\n- {<<: [*base], job_name: c}\n",
			[]string{"scrape job a", "scrape job b", "scrape job c"},
		},
		"a merge that comes later wins": {
			"scrape_configs:\n- {job_name: a, <<: {job_name: b}}\n- {<<: [{job_name: c}, {job_name: d}]}\n",
			[]string{"scrape job b", "scrape job c"},
		},
		"all merged": {
			"<<: {scrape_configs: [{job_name: a}]}\n",
			[]string{"scrape job a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := outlineOf(t, test.body)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A change below an anchor changes each item that uses the anchor.
func TestOutlineSeesChangesBehindAliases(t *testing.T) {
	t.Parallel()
	const body = "scrape_configs:\n- &base {job_name: a, scrape_interval: %s}\n- {<<: *base, job_name: b}\n- {job_name: c}\n"
	_, before := outlineOf(t, fmt.Sprintf(body, "5s"))
	_, after := outlineOf(t, fmt.Sprintf(body, "6s"))
	for name, want := range map[string]bool{"scrape job a": true, "scrape job b": true, "scrape job c": false} {
		if changed := before[name] != after[name]; changed != want {
			t.Errorf("%s: changed %t, want %t", name, changed, want)
		}
	}
}

// An annotation in place of a label is a change, whatever its name.
func TestLabelsAndAnnotationsDiffer(t *testing.T) {
	t.Parallel()
	print := func(rest string) uint64 {
		a := judgeRules("/d/r.yml", []byte("groups:\n- name: g\n  rules:\n  - {alert: a, expr: up, "+rest+"}\n"))
		if found := errorsOf(a); len(found) > 0 || len(a.Rules) != 1 || len(a.Rules[0].Groups) != 1 {
			t.Fatal(found, a.Rules)
		}
		return a.Rules[0].Groups[0].Fingerprint
	}
	for _, name := range []string{"a", "end", "1"} {
		pair := fmt.Sprintf("{%q: %q}", name, name)
		if print("labels: "+pair) == print("annotations: "+pair) {
			t.Errorf("%s: the same fingerprint", pair)
		}
	}
}
