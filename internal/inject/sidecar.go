package inject

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// Port is where the sidecar serves metrics, status and health.
const Port = 9533

// sidecar collects the parts of the container.
type sidecar struct {
	args   []string
	env    yamledit.List
	mounts []finalMount
	at     map[string][]int // indexes in mounts, by path
}

// mount adds a mount.
func (s *sidecar) mount(m finalMount) {
	if s.at == nil {
		s.at = map[string][]int{}
	}
	s.at[m.path] = append(s.at[m.path], len(s.mounts))
	s.mounts = append(s.mounts, m)
}

// setenv adds a variable, and replaces one of the same name.
func (s *sidecar) setenv(v any) {
	name := func(v any) any {
		if o, ok := v.(yamledit.Map); ok && len(o) > 0 {
			return o[0].Value()
		}
		return nil
	}
	s.env = append(slices.DeleteFunc(s.env, func(have any) bool { return name(have) == name(v) }), v)
}

// share gives the sidecar a mount of a server, at the same path.
func (pl *plan) share(m finalMount) error {
	for _, i := range pl.side.at[m.path] {
		have := pl.side.mounts[i]
		if have.volume == m.volume && have.sub == m.sub {
			return nil
		}
		if pl.there {
			continue
		}
		return &Error{
			Line: m.at.Line(), Workload: pl.w.String(), Hint: "give one of them another path", whole: true,
			Text: fmt.Sprintf("both servers have a volume at %s, but not the same one (%s and %s)", m.path, have.volume, m.volume),
		}
	}
	pl.side.mount(m)
	if mode := pl.mode(m.volume); mode != "" && !pl.there && !pl.noUser && !pl.w.Pod.Get("securityContext", "fsGroup").OK() {
		pl.warn(m.at, "volume %s has the mode %s, which does not let the sidecar's user read it: set securityContext.fsGroup in the pod (any number, 65532 for example), or the mode 0444", m.volume, mode)
	}
	return nil
}

// mode is a mode in the volume that does not let other users read the files; else "".
func (pl *plan) mode(name string) string { return closed(pl.volumeValues()[name]) }

func closed(v any) string {
	found := ""
	switch v := v.(type) {
	case yamledit.List:
		for _, e := range v {
			found = cmp.Or(found, closed(e))
		}
	case yamledit.Map:
		for _, f := range v {
			n, text := 0, ""
			if f.Key() == "defaultMode" || f.Key() == "mode" {
				text = fmt.Sprint(f.Value())
			}
			if _, err := fmt.Sscanf(text, "%v", &n); err == nil && n&0o004 == 0 {
				found = cmp.Or(found, fmt.Sprintf("%#o", n))
			}
			found = cmp.Or(found, closed(f.Value()))
		}
	}
	return found
}

// sidecar adds the container, with its volumes and, if the options ask for them, its permissions.
func (pl *plan) sidecar() {
	s := &pl.side
	where := "containers"
	if pl.gated() {
		where = "initContainers"
	}
	sort.SliceStable(s.mounts, func(i, j int) bool { return s.mounts[i].path < s.mounts[j].path })
	pl.did(sidecarName, pl.lineBehind(where), "is added to the %s, and sees%s", where, describe(s.mounts))
	if pl.noUser {
		pl.did(sidecarName, pl.lineBehind(where), "gets no fixed user: OpenShift gives each namespace its own")
	}
	port := pl.port()
	if pl.opts.FastPropagation || pl.opts.Events {
		pl.permissions()
	} else {
		pl.noToken()
	}
	args := yamledit.List{"run"}
	for _, a := range s.args {
		args = append(args, a)
	}
	var mounts yamledit.List
	for _, m := range s.mounts {
		o := yamledit.Map{{"name", m.volume}, {"mountPath", m.path}}
		if m.sub != "" {
			o = append(o, yamledit.Pair{"subPath", m.sub})
		}
		if !m.writable {
			o = append(o, yamledit.Pair{"readOnly", true})
		}
		mounts = append(mounts, o)
	}
	get := func(path string) yamledit.Pair {
		return yamledit.Pair{"httpGet", yamledit.Map{{"path", path}, {"port", port}}}
	}
	c := yamledit.Map{
		{"name", sidecarName},
		{"image", pl.opts.Image},
		{"restartPolicy", "Always"},
		{"args", args},
		{"env", s.env},
		{"ports", yamledit.List{yamledit.Map{{"name", sidecarName}, {"containerPort", port}}}},
		// The servers start after this succeeds, when every gate has its first generation.
		{"startupProbe", yamledit.Map{get("/readyz?startup"), {"periodSeconds", 1}, {"failureThreshold", 120}}},
		{"livenessProbe", yamledit.Map{get("/healthz")}},
		{"resources", yamledit.Map{
			{"requests", yamledit.Map{{"cpu", yamledit.Raw("10m")}, {"memory", yamledit.Raw("32Mi")}}},
			{"limits", yamledit.Map{{"memory", yamledit.Raw("256Mi")}}},
		}},
		{"securityContext", pl.restricted()},
		{"volumeMounts", mounts},
	}
	pl.ed.Put(pl.w.Pod, where, "containers", pl.dash, slices.DeleteFunc(c, func(f yamledit.Pair) bool {
		native := f.Key() == "restartPolicy" || f.Key() == "startupProbe"
		return native && !pl.gated() || f.Key() == "env" && len(s.env) == 0
	}))
}

// port is Port, or the next port that no container of the pod uses.
func (pl *plan) port() int {
	port := Port
	all := pl.w.AllContainers()
	for slices.ContainsFunc(all, func(c manifest.Container) bool { return c.HasPort(strconv.Itoa(port)) }) {
		port++
	}
	if port != Port {
		pl.side.args = append(pl.side.args, "--listen-address=:"+strconv.Itoa(port))
		pl.did(sidecarName, pl.lineBehind("containers"), "listens on port %d, because another container already uses %d", port, Port)
	}
	if n := pl.w.Pod.Get("hostNetwork"); n.Is(true) {
		pl.warn(n, "with hostNetwork, container %s listens on port %d of the node, on all addresses, so only one such pod fits on a node: change that with --listen-address", sidecarName, port)
	}
	return port
}

// restricted is what the restricted Pod Security Standard requires, and a read-only root file system.
func (pl *plan) restricted() yamledit.Map {
	m := yamledit.Map{
		{"allowPrivilegeEscalation", false},
		{"capabilities", yamledit.Map{{"drop", yamledit.List{"ALL"}}}},
		{"readOnlyRootFilesystem", true},
		{"runAsNonRoot", true},
	}
	if !pl.noUser {
		m = append(m, yamledit.Pair{"runAsUser", 65532}, yamledit.Pair{"runAsGroup", 65532})
	}
	return append(m, yamledit.Pair{"seccompProfile", yamledit.Map{{"type", "RuntimeDefault"}}})
}

// openshift reports whether the workload is for OpenShift, whose restricted-v2 refuses a fixed user. It goes through all annotations.
func (pl *plan) openshift() bool {
	return pl.opts.OpenShift || pl.isOpenShift || openshiftKeys(pl.w.Object.Get("metadata")) || openshiftKeys(pl.w.Meta) ||
		slices.ContainsFunc(pl.w.AllContainers(), openshiftImage)
}

// openshiftImage reports whether an image is part of OpenShift, or in the registry of an OpenShift cluster.
func openshiftImage(c manifest.Container) bool {
	name := c.Image()
	host, rest, _ := strings.Cut(name, "/")
	return strings.HasPrefix(host, "image-registry.openshift-image-registry.svc") || strings.HasPrefix(rest, "openshift4/") || strings.HasPrefix(rest, "openshift/") ||
		strings.HasPrefix(name, "openshift/") || strings.HasPrefix(c.ImageName(), "ose-")
}

// openshiftKeys reports whether there is an annotation or label of OpenShift.
func openshiftKeys(meta yamledit.Cursor) bool {
	for _, field := range []string{"annotations", "labels"} {
		for _, f := range meta.Get(field).Fields() {
			if domain, _, ok := strings.Cut(f.Key.Value, "/"); ok && (domain == "openshift.io" || strings.HasSuffix(domain, ".openshift.io")) {
				return true
			}
		}
	}
	return false
}

// lineBehind is the last line of a list of containers, where another one is added.
func (pl *plan) lineBehind(where string) int {
	c := pl.w.Pod.Get(where)
	if !c.OK() || c.Null() {
		c = pl.w.Pod.Get("containers")
	}
	return c.Doc.Last(c.Node).Line
}

// describe lists mounts, one per line.
func describe(mounts []finalMount) string {
	var b strings.Builder
	wide := 0
	for _, m := range mounts {
		wide = max(wide, len(m.path))
	}
	for _, m := range mounts {
		fmt.Fprintf(&b, "\n  %-*s  %s", wide, m.path, m.volume)
	}
	return b.String()
}
