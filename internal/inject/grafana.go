package inject

import (
	"path"
	"slices"
	"strings"

	"reloader/internal/manifest"
	"reloader/internal/paths"
	"reloader/internal/yamledit"
)

// provisioned are the directories that Grafana reads in its provisioning directory.
var provisioned = []string{"datasources", "dashboards", "alerting", "plugins", "notifiers", "access-control"}

// grafana plans the changes to Grafana's container, and what the sidecar needs for it.
func (pl *plan) grafana(c manifest.Container) error {
	// Bitnami's image copies conf.default before it starts Grafana.
	copied := func(m manifest.Mount) bool { return strings.Contains(m.Path+"/", "/conf.default/") }
	if i := slices.IndexFunc(c.Mounts, copied); i >= 0 {
		m := c.Mounts[i]
		return pl.refuse(m.Cursor, "mount the ConfigMaps where the copies go, for example at "+strings.Replace(m.Path, "conf.default", "conf", 1)+", and nothing at conf.default",
			"container %s copies %s to where Grafana reads it only at the start, so a later change of volume %s never arrives", c.Name(), m.Path, m.Volume)
	}
	where := pl.in.GrafanaPaths(pl.w, c)
	ini, provisioning := where.Ini, where.Provisioning
	if provisioning == "" {
		provisioning = manifest.GrafanaProvisioning
	}
	if strings.Contains(ini+provisioning, "$") {
		return pl.refuse(c.Cursor, "write out the path", "where container %s looks for its files depends on a variable whose value is unknown here", c.Name())
	}
	_, iniFlag, byFlag := pl.in.FlagValue(pl.w, c, "config")
	newIni := pl.iniPlace(c, where)
	gate := pl.gated() && slices.ContainsFunc(c.Mounts, func(m manifest.Mount) bool { return provisions(m.Path, provisioning) })
	if pl.gated() && !gate {
		pl.warn(c.Cursor, "container %s has no volume below %s, so there is nothing for a gate to replace: reloader follows its grafana.ini where it is", c.Name(), provisioning)
	}

	mounts, err := pl.directories(c, func(m manifest.Mount) (place, bool) {
		dir, file := path.Split(m.Path)
		dir = path.Clean(dir)
		switch {
		case m.Path == ini:
			return place{dir: path.Dir(newIni), file: path.Base(newIni), as: "grafana-ini"}, true
		case path.Dir(dir) == provisioning && slices.Contains(provisioned, path.Base(dir)):
			return place{dir: dir, file: file, as: "grafana-" + path.Base(dir), strict: true}, true
		}
		return place{}, false
	})
	if err != nil {
		return err
	}
	if i := covering(mounts, newIni); i >= 0 {
		seen, why := newIni, "because the image keeps other files in "+path.Dir(ini)
		if gate && mounts[i].items[0].Sub != "" {
			seen = path.Join(provisioning, path.Base(newIni)) // in the gate, next to datasources, dashboards and so on
			if newIni == ini {
				why = "because it goes through the gate, too"
			}
		}
		if seen != ini {
			if err := pl.pathsConfig(c, iniFlag, byFlag, seen, why); err != nil {
				return err
			}
		}
		ini = newIni
	}
	return pl.grafanaSide(c, mounts, ini, provisioning, gate)
}

// imageConf reports whether the image has files of its own in the directory. Grafana's home, for example, has its defaults in conf.
func imageConf(where manifest.GrafanaPaths, dir string) bool {
	return dir == path.Dir(manifest.GrafanaIni) || manifest.SystemDir(dir) || paths.Inside(dir, where.Home) || path.Base(dir) == "conf"
}

// provisions reports whether a mount at dir has provisioning files.
func provisions(dir, provisioning string) bool {
	return paths.Inside(dir, provisioning) || paths.Inside(provisioning, dir) && dir != "/"
}

// iniPlace is the new path of grafana.ini if it is a subPath mount in a directory where the image has other files; else its
// present path.
func (pl *plan) iniPlace(c manifest.Container, where manifest.GrafanaPaths) string {
	ini := where.Ini
	dir := path.Dir(ini)
	i := slices.IndexFunc(c.Mounts, func(m manifest.Mount) bool { return m.Path == ini && m.Sub != "" })
	if i < 0 || !imageConf(where, dir) {
		return ini
	}
	if vol, _ := pl.w.Volume(c.Mounts[i].Volume); !vol.FromAPI() {
		return ini
	}
	for _, d := range []string{"config", "ini", "reloader"} {
		place := path.Join(path.Dir(manifest.GrafanaIni), d)
		if !slices.ContainsFunc(c.Mounts, func(m manifest.Mount) bool { return paths.Inside(m.Path, place) }) {
			return path.Join(place, path.Base(ini))
		}
	}
	return ini
}

// pathsConfig gives Grafana the new path of its grafana.ini, and says why it is a new one.
func (pl *plan) pathsConfig(c manifest.Container, flag yamledit.Cursor, byFlag bool, ini, why string) error {
	const name = "GF_PATHS_CONFIG"
	if byFlag {
		word, value := flag.Str(), ini
		switch head, _, ok := strings.Cut(word, "="); {
		case strings.ContainsAny(strings.TrimSpace(word), " \t\n"):
			return pl.refuse(flag, "mount grafana.ini as its own directory and give its path as --config there",
				"container %s has --config in a script, which inject cannot change, and %s", c.Name(), strings.TrimPrefix(why, "because "))
		case ok && strings.HasPrefix(word, "-"):
			value = head + "=" + ini
		}
		pl.ed.SetScalar(flag, value)
		pl.did(c.Name(), flag.Line(), "its argument names %s, the new path of grafana.ini, %s", ini, why)
		return nil
	}
	if command := c.Get("command"); len(command.Items()) > 0 && !strings.Contains(strings.Join(command.Strs(), " "), "run.sh") {
		if len(command.Items()) == 1 || path.Base(command.Items()[0].Str()) == "grafana" || path.Base(command.Items()[0].Str()) == "grafana-server" {
			field := "args"
			if !c.Get("args").OK() {
				field = "command"
			}
			pl.ed.Put(c.Cursor, field, "command", pl.dash, "--config="+ini)
			pl.did(c.Name(), c.Line(), "gets --config=%s: grafana.ini moves there, %s", ini, why)
			return nil
		}
		return pl.refuse(c.Get("command"), "mount grafana.ini as its own directory and give its path as --config",
			"container %s does not start through the image's run.sh, so %s would have no effect", c.Name(), name)
	}
	switch e := c.Env(name); {
	case e.Get("valueFrom").OK():
		return pl.refuse(e, "set it to "+ini, "%s does not come from the manifest", name)
	case e.OK():
		pl.ed.SetScalar(e.Get("value"), ini)
	default:
		pl.ed.Put(c.Cursor, "env", "", pl.dash, yamledit.Map{{"name", name}, {"value", ini}})
	}
	pl.did(c.Name(), c.Line(), "gets %s=%s: grafana.ini moves there, %s", name, ini, why)
	return nil
}

// grafanaSide adds Grafana to the sidecar.
func (pl *plan) grafanaSide(c manifest.Container, mounts []finalMount, ini, provisioning string, gate bool) error {
	s := &pl.side
	iniMount := covering(mounts, ini)
	hasProvisioning := false
	for i := range mounts {
		m := &mounts[i]
		below := provisions(m.path, provisioning)
		hasProvisioning = hasProvisioning || below
		m.shared = below || i == iniMount || m.kind == "configMap" || pl.collected(m.volume)
	}
	if iniMount < 0 && !hasProvisioning {
		return pl.refuse(c.Cursor, "mount a ConfigMap at "+path.Join(provisioning, "datasources")+", for example",
			"container %s has no volume for grafana.ini (%s) or the provisioning directory (%s), so nothing there can change", c.Name(), ini, provisioning)
	}
	set := pl.settings(c, path.Clean(pl.in.GrafanaPaths(pl.w, c).Ini))
	s.args = append(s.args, "--grafana-url="+set.url())
	if gate && c.ImageVersion() != "" {
		s.args = append(s.args, "--grafana-version="+c.ImageVersion())
	}
	if tls, at := set.tls(); tls && !pl.there {
		pl.warn(at, "container %s serves TLS: mount its CA into the sidecar and give the sidecar --grafana-ca-file, and --grafana-server-name with a name from the certificate (127.0.0.1 usually is not in it)", c.Name())
	}
	if !pl.there {
		pl.written(c, mounts)
	}
	switch {
	case iniMount < 0:
	case gate && mounts[iniMount].items[0].Sub != "":
		// It was mounted as a single file, so nothing else is missing when the mount is removed.
		mounts[iniMount].source = sourceDir("grafana-ini")
		s.args = append(s.args, "--grafana-ini="+mounts[iniMount].source+"/"+path.Base(ini)+"="+path.Join(provisioning, path.Base(ini)))
	default:
		s.args = append(s.args, "--grafana-ini="+ini)
	}
	switch {
	case hasProvisioning && gate:
		s.args = append(s.args, "--grafana-provisioning="+sourceDir("grafana"), "--grafana-gate="+provisioning)
	case hasProvisioning:
		s.args = append(s.args, "--grafana-provisioning="+provisioning)
	}
	if hasProvisioning {
		pl.credentials(c, mounts)
	}
	if gate {
		return pl.placeGate(c, mounts, "grafana", provisioning)
	}
	return pl.place(c, mounts)
}
