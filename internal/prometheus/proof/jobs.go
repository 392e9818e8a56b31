package proof

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

// FileJob is a scrape job in a scrape_config_files file, which /api/v1/status/config does not print. Servers since 3.15
// print it at /api/v1/scrape_pools/config; older ones only show its targets.
type FileJob struct {
	Item
	// Fields are digests of its settings, to name those that differ. They are empty if the server has another version than
	// the library: Item.Leaves are compared then.
	Fields Leaves `json:"fields,omitempty"`
	// Targets are digests of its targets before relabeling, for a server of another version. They are empty for a job with
	// other discoveries than static_configs, whose targets are unknown.
	Targets []uint64 `json:"targets,omitempty"`
	// AllActive says that no relabeling can drop a target.
	AllActive bool `json:"allActive,omitempty"`
}

// Fields are digests of the settings of a printed job.
func Fields(text string) Leaves {
	var fields Leaves
	for key, value := range settings(text) {
		fields = append(fields, Leaf{Path: Short(key), Value: Short(value)})
	}
	sort.Slice(fields, func(i, j int) bool { return fields[i].Path < fields[j].Path })
	return fields
}

// settings are the parts of a printed mapping, by key. Lines that continue a part begin with a blank or with the dash of a list.
func settings(text string) map[string]string {
	parts := map[string]string{}
	key, from, at := "", 0, 0
	end := func() {
		if at > from {
			parts[key] += text[from:at]
		}
		from = at
	}
	for line := range strings.Lines(text) {
		if c := line[0]; c != ' ' && c != '-' && c != '\n' {
			end()
			key, _, _ = strings.Cut(line, ":")
		}
		at += len(line)
	}
	end()
	return parts
}

// Compare names what differs in the job that the server prints; empty when nothing does.
func (j *FileJob) Compare(text string) (difference string) {
	text = Normal(text, nil)
	if Sum(text) == j.Sum {
		return ""
	}
	want := make(map[uint32]uint32, len(j.Fields))
	for _, f := range j.Fields {
		want[f.Path] = f.Value
	}
	have := settings(text)
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if value, ok := want[Short(key)]; !ok || value != Short(have[key]) {
			keys = append(keys, key)
		}
		delete(want, Short(key))
	}
	if len(want) > 0 {
		keys = append(keys, fmt.Sprintf("%s that the server does not have", Counted(len(want), "setting")))
	}
	if len(keys) == 0 {
		return j.String() + " differs"
	}
	return j.String() + " differs in " + strings.Join(keys, ", ")
}

// lateLabels are labels that only newer servers add before relabeling.
var lateLabels = []string{"__convert_classic_histograms_to_nhcb__", "__always_scrape_classic_histograms__", "__scrape_native_histograms__"}

// TargetSum is the digest of a target before relabeling.
func TargetSum(labels map[string]string) uint64 {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if !slices.Contains(lateLabels, name) {
			fmt.Fprintf(&b, "%q=%q,", name, labels[name])
		}
	}
	return Sum(b.String())
}

// CompareTargets names what differs in the targets that the server shows; empty when nothing does.
func (j *FileJob) CompareTargets(have []uint64) (difference string) {
	want := make(map[uint64]bool, len(j.Targets))
	for _, t := range j.Targets {
		want[t] = true
	}
	other := 0
	for _, t := range have {
		if !want[t] {
			other++
		}
	}
	switch {
	case other > 0:
		return fmt.Sprintf("%s: the server has %s that the file does not have (address, labels, interval, timeout, scheme, path or parameters)", j, Counted(other, "target"))
	case j.AllActive && len(have) < len(j.Targets):
		return fmt.Sprintf("%s: the server has %s, not %d", j, Counted(len(have), "target"), len(j.Targets))
	}
	return ""
}

// ChangedJobs are the jobs of scrape_config_files that are new or different in the newer of two sets of files. The server
// must show them.
func ChangedJobs(from, to *Expected) []string {
	before := make(map[string]uint64, len(from.FileJobs))
	for i := range from.FileJobs {
		before[from.FileJobs[i].Name] = from.FileJobs[i].Sum
	}
	changed := []string{}
	for i := range to.FileJobs {
		if sum, ok := before[to.FileJobs[i].Name]; !ok || sum != to.FileJobs[i].Sum {
			changed = append(changed, to.FileJobs[i].Name)
		}
	}
	return changed
}
