package inject

import (
	"path"
	"slices"
	"strings"

	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// The variables of Grafana's image with the administrator's name and password. With __FILE appended, each names a file instead.
const (
	adminUser     = "GF_SECURITY_ADMIN_USER"
	adminPassword = "GF_SECURITY_ADMIN_PASSWORD"
)

// credentials gives the sidecar the administrator's name and password through the same references.
func (pl *plan) credentials(c manifest.Container, mounts []finalMount) {
	for _, name := range []string{adminUser, adminPassword} {
		if e := c.Env(name); e.OK() {
			pl.side.setenv(yamledit.ValueOf(e))
		} else if ref := pl.fromWhole(c, name); ref != nil {
			pl.side.setenv(ref)
		}
	}
	known := c.Env(adminPassword).OK() || pl.fromWhole(c, adminPassword) != nil
	if file := c.Env(adminPassword + "__FILE").Get("value").Str(); file != "" {
		known = pl.passwordFile(path.Clean(file), mounts)
	}
	if file := c.Env(adminUser + "__FILE"); file.OK() && !pl.there {
		pl.warn(file, "the administrator's name is in a file (%s__FILE), which the sidecar does not read: if it is not admin, give the sidecar --grafana-username", adminUser)
	}
	if !known && !pl.there {
		hint := ""
		if from := secretsOfEnv(c); len(from) > 0 {
			hint = ", perhaps from Secret " + strings.Join(from, " or ")
		}
		pl.warn(c.Cursor, "container %s has no %s: give the sidecar that variable%s, or --grafana-username and --grafana-password-file, because reloading needs the administrator's password", c.Name(), adminPassword, hint)
	}
}

// passwordFile lets the sidecar read the file that Grafana reads when it starts; false when it is in no volume.
func (pl *plan) passwordFile(file string, mounts []finalMount) bool {
	i := covering(mounts, file)
	if i >= 0 {
		mounts[i].shared = true
		pl.side.args = append(pl.side.args, "--grafana-password-file="+file)
	}
	return i >= 0
}

// fromWhole is a reference to one key of a whole Secret or ConfigMap that the container gets (envFrom); nil unless that is in the
// manifest. If several have the key, the last one wins.
func (pl *plan) fromWhole(c manifest.Container, name string) any {
	for _, from := range slices.Backward(c.Get("envFrom").Items()) {
		for _, kind := range [][3]string{{"secretRef", "Secret", "secretKeyRef"}, {"configMapRef", "ConfigMap", "configMapKeyRef"}} {
			object := from.Get(kind[0], "name").Str()
			key, ok := strings.CutPrefix(name, from.Get("prefix").Str())
			if !ok || pl.in.Object(kind[1], object, pl.w.Namespace).Value(key) == nil {
				continue
			}
			return yamledit.Map{{"name", name}, {"valueFrom", yamledit.Map{{kind[2], yamledit.Map{{"name", object}, {"key", key}}}}}}
		}
	}
	return nil
}

// secretsOfEnv are the Secrets that the container gets as a whole (envFrom).
func secretsOfEnv(c manifest.Container) []string {
	var names []string
	for _, from := range c.Get("envFrom").Items() {
		if n := from.Get("secretRef", "name").Str(); n != "" {
			names = append(names, n)
		}
	}
	return names
}

// collected reports whether another container collects files for the server in that volume.
func (pl *plan) collected(name string) bool {
	vol, _ := pl.w.Volume(name)
	if vol.Kind != "emptyDir" {
		return false
	}
	for _, c := range pl.w.AllContainers() {
		if !strings.HasSuffix(c.ImageName(), "k8s-sidecar") {
			continue
		}
		for _, m := range c.Mounts {
			if m.Volume == name && m.Path == path.Clean("/"+c.EnvOr("FOLDER", "")) {
				return true
			}
		}
	}
	return false
}
