package manifests

import (
	"path"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
	"reloader/internal/manifest"
)

// notRead warns, once for each mount, about mounted files that the server never reads. why says where the server looks for a kind
// of file; empty when files of that kind are not for this server.
func (c *check) notRead(w *manifest.Workload, container manifest.Container, view *manifest.View, read map[string]bool, server string, why func(kind string) string) {
	unread := map[string][]string{}
	reasons := map[string]string{}
	for f, v := range view.Files {
		if read[f] || v.Object.Kind != "ConfigMap" {
			continue
		}
		if reason := why(c.kind(path.Base(f), v)); reason != "" {
			at, _ := view.Covering(f)
			unread[at] = append(unread[at], f)
			reasons[f] = reason
		}
	}
	if len(unread) == 0 {
		return
	}
	meant := c.named(w, container, view)
	for i := range view.Mounts {
		m := &view.Mounts[i]
		names := unread[m.Path]
		slices.Sort(names)
		names = slices.DeleteFunc(names, func(f string) bool { return meant[f] })
		if len(names) == 0 {
			continue
		}
		reason := reasons[names[0]]
		names = names[:min(len(names), maxNamed)]
		c.report(finding.Warning, RuleNotRead, m.Get("mountPath"), "mount the volume where "+server+" looks", "%s: %s does not read %s (volume %s): %s",
			where(w, container), server, strings.Join(names, ", "), m.Mount.Volume, reason)
	}
}

// absolute finds absolute paths in a text.
var absolute = lazyregexp.New(`/[A-Za-z0-9_.@+~%/-]+`)

// named are the paths in flags, in variables and in files that the server reads: those are used.
func (c *check) named(w *manifest.Workload, container manifest.Container, view *manifest.View) map[string]bool {
	meant := map[string]bool{}
	add := func(text string) {
		for _, p := range absolute().FindAllString(text, -1) {
			meant[path.Clean(strings.TrimRight(p, "."))] = true
		}
	}
	for _, word := range container.Words {
		add(c.in.Expand(w, container, word))
	}
	for _, e := range container.Get("env").Items() {
		add(e.Get("value").Str())
	}
	seen := map[*manifest.Value]bool{}
	for _, v := range view.Files {
		if c.read[v] && !seen[v] {
			seen[v] = true
			add(string(v.Content))
		}
	}
	return meant
}
