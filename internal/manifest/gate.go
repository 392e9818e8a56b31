package manifest

import (
	"path"
	"strings"

	"reloader/internal/paths"
)

// gate is a volume that the sidecar fills with the files that it judged valid.
type gate struct {
	files   map[string]*Value
	unknown string
	// source is the sidecar's directory whose files come to the gate's top.
	source string
}

// gates are the volumes of the workload that a sidecar fills, by name. A server finds the same files in them as the sidecar in its
// sources.
func (in *Input) gates(w *Workload) map[string]*gate {
	if g, ok := in.gateCache[w]; ok {
		return g
	}
	gates := map[string]*gate{}
	if in.gateCache == nil {
		in.gateCache = map[*Workload]map[string]*gate{}
	}
	in.gateCache[w] = gates // still empty, because the view of the sidecar itself has no gates
	for _, c := range w.AllContainers() {
		if !c.IsReloader() {
			continue
		}
		view := in.Look(w, c)
		get := func(flag string) (here, server string) {
			v, _, ok := in.FlagValue(w, c, flag)
			if !ok {
				v, _, _ = in.Variable(w, c, "RELOADER_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_")))
			}
			here, server, _ = strings.Cut(v, "=")
			return here, server
		}
		if main, _ := get("prometheus-config"); main != "" {
			dir, _ := get("prometheus-gate")
			view.fillGate(gates, dir, path.Dir(main), "")
		}
		if provisioning, _ := get("grafana-provisioning"); provisioning != "" {
			dir, _ := get("grafana-gate")
			view.fillGate(gates, dir, provisioning, "")
			if ini, server := get("grafana-ini"); server != "" && paths.Inside(server, dir) {
				view.fillGate(gates, dir, ini, strings.TrimPrefix(server, dir+"/"))
			}
		}
	}
	return gates
}

// fillGate puts the files that the sidecar finds at source into the volume that it has mounted at dir, below the name to.
func (v *View) fillGate(gates map[string]*gate, dir, source, to string) {
	if dir == "" {
		return
	}
	at, m := v.Covering(dir)
	if m == nil || at != path.Clean(dir) || m.Sub != "" {
		return
	}
	g := gates[m.Mount.Volume]
	if g == nil {
		g = &gate{files: map[string]*Value{}}
		gates[m.Mount.Volume] = g
	}
	source = path.Clean(source)
	if to == "" {
		g.source = source
	}
	for p, f := range v.Files {
		if paths.Inside(p, source) {
			g.files[path.Join(to, strings.TrimPrefix(p, source))] = f
		}
	}
	for _, m := range v.Mounts {
		if m.Unknown != "" && (paths.Inside(m.Path, source) || paths.Inside(source, m.Path)) {
			g.unknown = m.Unknown
		}
	}
}
