package manifests

import (
	"path"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/manifest"
)

// mounts finds faults in how the mounts and volumes of one container fit together. seen are the volumes of the pod that were
// checked before.
func (c *check) mounts(w *manifest.Workload, container manifest.Container, view *manifest.View, seen map[string]bool) {
	for _, m := range container.Mounts {
		vol, ok := w.Volume(m.Volume)
		if !ok {
			continue
		}
		if m.Sub != "" && vol.FromAPI() {
			c.frozen(w, container, m)
		}
		if c.system(container, m) {
			c.report(finding.Error, RuleHidden, m.Get("mountPath"), "mount it in its own directory",
				"%s: the mount at %s hides what the image has there", where(w, container), m.Path)
		}
		if seen[vol.Name] {
			continue
		}
		seen[vol.Name] = true
		complete := true
		for _, p := range c.in.ObjectProblems(w, vol) {
			complete = complete && p.Kind != manifest.NoKey
			switch {
			case p.Kind == manifest.NoKey:
				c.report(finding.Error, RuleNoKey, p.At, p.Hint, "%s, volume %s: %s", w, vol.Name, p.Text)
			case vol.Kind == "secret" || strings.HasPrefix(p.Text, "Secret "):
				c.skip(p.At, "%s", strings.TrimSuffix(p.Text, ": its contents were not judged"))
			default:
				c.report(finding.Warning, RuleNoObject, p.At, p.Hint, "%s, volume %s: %s", w, vol.Name, p.Text)
			}
		}
		if complete {
			c.leftOut(w, vol)
		}
	}
	for _, p := range view.Problems {
		rule, what := map[string]string{manifest.TwoMounts: RuleTwoMounts, manifest.NoVolume: RuleNoVolume}[p.Kind], w.String()
		if p.Kind == manifest.FileDirectory {
			rule, what = RuleNoKey, where(w, container)
		}
		c.report(finding.Error, rule, p.At, p.Hint, "%s: %s", what, p.Text)
	}
}

// frozen warns about a mount that no change ever reaches.
func (c *check) frozen(w *manifest.Workload, container manifest.Container, m manifest.Mount) {
	at := m.Get("subPath")
	if m.IsExpr() {
		at = m.Get("subPathExpr")
	}
	hint := "mount volume " + m.Volume + " as its own directory"
	if dir := path.Dir(m.Path); container.IsPrometheus() && !manifest.SystemDir(dir) {
		hint = "mount volume " + m.Volume + " as the directory " + dir
	}
	file := "FILE"
	if f := c.in.FileOf(m.Cursor); f != nil {
		file = f.Name
	}
	c.report(finding.Warning, RuleSubPath, at, hint+"; reloader inject -f "+file+" does it if the image allows",
		"%s: the subPath mount at %s never changes in a running pod", where(w, container), m.Path)
}

// system reports whether a mount hides a directory that the server's program needs.
func (c *check) system(container manifest.Container, m manifest.Mount) bool {
	if m.Sub != "" || !container.IsPrometheus() && !container.IsGrafana() {
		return false
	}
	return slices.Contains([]string{"/", "/etc", "/bin", "/sbin", "/usr", "/usr/bin", "/usr/sbin", "/lib", "/usr/lib", "/lib64"}, m.Path)
}

// leftOut warns about keys that look like files of a server and that are missing in the items of a volume.
func (c *check) leftOut(w *manifest.Workload, vol manifest.Volume) {
	for _, s := range vol.Sources() {
		items := s.Get("items")
		o := c.in.Object(s.Kind, s.Name.Str(), w.Namespace)
		if o == nil || s.Kind != "ConfigMap" || len(items.Items()) == 0 {
			continue
		}
		left, known := c.left[o]
		if !known {
			for _, v := range o.Values {
				if len(left) < maxNamed && !c.carried(o, v.Key) && c.kind(v.Key, v) != "" {
					left = append(left, v.Key)
				}
			}
			c.left[o] = left
		}
		if len(left) > 0 {
			c.report(finding.Warning, RuleKeyLeftOut, items, "add an item for it, or remove the key",
				"%s, volume %s: items leaves out %s of %s, and no other volume has it: no container gets it", w, vol.Name, strings.Join(left, ", "), o)
		}
	}
}

// carried reports whether some volume of the input has a key of an object.
func (c *check) carried(o *manifest.Object, key string) bool {
	if c.keys == nil {
		c.keys = map[*manifest.Object]map[string]bool{}
		for _, w := range c.in.Workloads {
			for _, vol := range w.Volumes {
				for _, s := range vol.Sources() {
					o := c.in.Object(s.Kind, s.Name.Str(), w.Namespace)
					if o == nil {
						continue
					}
					if c.keys[o] == nil {
						c.keys[o] = map[string]bool{}
					}
					items := s.Get("items").Items()
					for _, it := range items {
						c.keys[o][it.Get("key").Str()] = true
					}
					if len(items) == 0 {
						c.keys[o][""] = true // all of them
					}
				}
			}
		}
	}
	return c.keys[o][key] || c.keys[o][""]
}
