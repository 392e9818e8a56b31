package manifests

import (
	"path"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/manifest"
)

// notRead warns, once for each mount, of files that are mounted and that the server never reads. why says for
// a kind of file where the server looks; empty when files of that kind are not the server's.
func (c *check) notRead(w *manifest.Workload, container manifest.Container, view *manifest.View, read map[string]bool, server string, why func(kind string) string) {
	unread := map[string][]string{}
	reasons := map[string]string{}
	for f, v := range view.Files {
		if read[f] || v.Object.Kind != "ConfigMap" {
			continue
		}
		if reason := why(c.Kind(path.Base(f), v.Content)); reason != "" {
			at, _ := view.Covering(f)
			unread[at] = append(unread[at], f)
			reasons[f] = reason
		}
	}
	for i := range view.Mounts {
		m := &view.Mounts[i]
		names := unread[m.Path]
		slices.Sort(names)
		names = slices.DeleteFunc(names[:min(len(names), maxNamed)], func(f string) bool { return c.named(w, container, f, view) })
		if len(names) == 0 {
			continue
		}
		c.report(finding.Warning, RuleNotRead, m.Get("mountPath"), "mount the volume where "+server+" looks", "%s: %s does not read %s (volume %s): %s",
			where(w, container), server, strings.Join(names, ", "), m.Mount.Volume, reasons[names[0]])
	}
}

// named says whether a flag, a variable or a file that is read mentions the path: then it is meant.
func (c *check) named(w *manifest.Workload, container manifest.Container, file string, view *manifest.View) bool {
	for _, word := range container.Words() {
		if strings.Contains(c.in.Expand(w, container, word), file) {
			return true
		}
	}
	for _, e := range container.Get("env").Items() {
		if strings.Contains(e.Get("value").Str(), file) {
			return true
		}
	}
	for _, v := range view.Files {
		if c.read[v] && strings.Contains(string(v.Content), file) {
			return true
		}
	}
	return false
}
