package inject

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Port is where the sidecar serves metrics, status and health.
const Port = 9533

// sidecar collects what the container needs.
type sidecar struct {
	args   []string
	env    list
	mounts []finalMount
}

// share lets the sidecar see a mount of a server at the same path.
func (pl *plan) share(m finalMount) error {
	for _, have := range pl.side.mounts {
		if have.path != m.path {
			continue
		}
		if have.volume == m.volume && have.sub == m.sub {
			return nil
		}
		return pl.refuse(m.at, "give one of them another path", "both servers have a volume at %s, but not the same one (%s and %s)", m.path, have.volume, m.volume)
	}
	pl.side.mounts = append(pl.side.mounts, m)
	if mode := pl.mode(m.volume); mode != "" && !pl.w.pod.get("securityContext", "fsGroup").ok() {
		pl.warn(m.at, "volume %s has the mode %s, which the sidecar's user may not read: set the pod's securityContext.fsGroup (65532 does), or the mode 0444", m.volume, mode)
	}
	return nil
}

// mode is the volume's defaultMode when it keeps others from reading, else "".
func (pl *plan) mode(name string) string {
	vol, ok := pl.w.volume(name)
	if !ok || !vol.fromAPI() {
		return ""
	}
	s := vol.get(vol.kind, "defaultMode").str()
	n := 0
	if _, err := fmt.Sscanf(s, "%v", &n); err != nil || n&0o004 != 0 {
		return ""
	}
	return fmt.Sprintf("%#o", n)
}

// sidecar adds the container with its volumes and, where asked for, its permissions.
func (pl *plan) sidecar() error {
	s := &pl.side
	slices.SortStableFunc(s.mounts, func(a, b finalMount) int { return cmp.Compare(a.path, b.path) })
	pl.permissions()
	args := list{"run"}
	for _, a := range s.args {
		args = append(args, a)
	}
	var mounts list
	for _, m := range s.mounts {
		o := obj{{"name", m.volume}, {"mountPath", m.path}}
		if m.sub != "" {
			o = append(o, field{"subPath", m.sub})
		}
		if !m.writable {
			o = append(o, field{"readOnly", true})
		}
		mounts = append(mounts, o)
	}
	c := obj{{"name", sidecarName}, {"image", pl.opts.Image}}
	if pl.gated() {
		c = append(c, field{"restartPolicy", "Always"})
	}
	c = append(c, field{"args", args})
	if len(s.env) > 0 {
		c = append(c, field{"env", s.env})
	}
	c = append(c,
		field{"ports", list{obj{{"name", sidecarName}, {"containerPort", Port}}}},
	)
	if pl.gated() {
		// The servers start when this has succeeded: with the first generation in every gate.
		c = append(c, field{"startupProbe", obj{
			{"httpGet", obj{{"path", "/readyz?startup"}, {"port", Port}}}, {"periodSeconds", 1}, {"failureThreshold", 120},
		}})
	}
	c = append(c,
		field{"livenessProbe", obj{{"httpGet", obj{{"path", "/healthz"}, {"port", Port}}}}},
		field{"resources", obj{
			{"requests", obj{{"cpu", raw("10m")}, {"memory", raw("32Mi")}}},
			{"limits", obj{{"memory", raw("256Mi")}}},
		}},
		field{"securityContext", restricted()},
		field{"volumeMounts", mounts},
	)
	where := "containers"
	if pl.gated() {
		where = "initContainers"
	}
	pl.ed.put(pl.w.pod, where, "containers", pl.dash, c)
	pl.note(pl.w.pod.get("containers"), "container %s is added to the %s; it sees %s", sidecarName, where, describe(s.mounts))
	return nil
}

// restricted is what the restricted pod security standard asks for, and a read-only root.
func restricted() obj {
	return obj{
		{"allowPrivilegeEscalation", false},
		{"capabilities", obj{{"drop", list{"ALL"}}}},
		{"readOnlyRootFilesystem", true},
		{"runAsNonRoot", true},
		{"runAsUser", 65532},
		{"runAsGroup", 65532},
		{"seccompProfile", obj{{"type", "RuntimeDefault"}}},
	}
}

func describe(mounts []finalMount) string {
	parts := make([]string, len(mounts))
	for i, m := range mounts {
		parts[i] = m.String()
	}
	return strings.Join(parts, ", ")
}
