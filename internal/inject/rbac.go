package inject

import (
	"slices"
	"strconv"
)

const tokenDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// permissions adds what Events and fast propagation need: flags, the pod's name, a Role, and a
// token that only the sidecar sees.
func (pl *plan) permissions() {
	if !pl.opts.FastPropagation && !pl.opts.Events {
		return
	}
	s := &pl.side
	if pl.opts.FastPropagation {
		s.args = append(s.args, "--fast-propagation")
	}
	if pl.opts.Events {
		s.args = append(s.args, "--events")
	}
	for _, v := range [][2]string{{"POD_NAME", "metadata.name"}, {"POD_NAMESPACE", "metadata.namespace"}, {"POD_UID", "metadata.uid"}} {
		s.env = append(s.env, obj{{"name", v[0]}, {"valueFrom", obj{{"fieldRef", obj{{"fieldPath", v[1]}}}}}})
	}
	name := pl.w.name + "-" + sidecarName
	meta := obj{{"name", name}}
	if pl.w.namespace != "" {
		meta = append(meta, field{"namespace", pl.w.namespace})
	}
	account := pl.account(name, meta)
	pl.document(obj{
		{"apiVersion", "rbac.authorization.k8s.io/v1"}, {"kind", "Role"}, {"metadata", meta}, {"rules", pl.rules()},
	})
	subject := obj{{"kind", "ServiceAccount"}, {"name", account}}
	if pl.w.namespace != "" {
		subject = append(subject, field{"namespace", pl.w.namespace})
	}
	pl.document(obj{
		{"apiVersion", "rbac.authorization.k8s.io/v1"}, {"kind", "RoleBinding"}, {"metadata", meta},
		{"roleRef", obj{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", name}}},
		{"subjects", list{subject}},
	})
	pl.note(pl.w.obj, "Role %s is added and bound to the service account %s", name, account)
}

// account is the pod's service account; one is made where there is none.
func (pl *plan) account(name string, meta obj) string {
	pod := pl.w.pod
	for _, key := range []string{"serviceAccountName", "serviceAccount"} {
		if a := pod.get(key).str(); a != "" {
			if pod.get("automountServiceAccountToken").is(false) {
				pl.token()
			}
			return a
		}
	}
	pl.token()
	pl.ed.addKey(pod, "", field{"serviceAccountName", name}, pl.dash)
	pl.document(obj{
		{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", meta}, {"automountServiceAccountToken", false},
	})
	pl.warn(pod, "the pod gets the service account %s, whose token only the sidecar sees: if another container uses the default account's permissions, bind those to it and mount a token there", name)
	return name
}

// token mounts the service account's token, the API's CA and the namespace into the sidecar alone.
func (pl *plan) token() {
	name := pl.volumeName(sidecarName + "-token")
	pl.added = append(pl.added, obj{{"name", name}, {"projected", obj{{"sources", list{
		obj{{"serviceAccountToken", obj{{"path", "token"}, {"expirationSeconds", 3600}}}},
		obj{{"configMap", obj{{"name", "kube-root-ca.crt"}, {"items", list{obj{{"key", "ca.crt"}, {"path", "ca.crt"}}}}}}},
		obj{{"downwardAPI", obj{{"items", list{obj{{"path", "namespace"}, {"fieldRef", obj{{"fieldPath", "metadata.namespace"}}}}}}}}},
	}}}}})
	pl.side.mounts = append(pl.side.mounts, finalMount{path: tokenDir, volume: name, kind: "projected", token: true})
}

// rules allow to read exactly the objects behind the sidecar's mounts.
func (pl *plan) rules() list {
	var rules list
	rule := func(resource string, names []string, verbs ...string) {
		r := obj{{"apiGroups", list{""}}, {"resources", list{resource}}}
		if len(names) > 0 {
			r = append(r, field{"resourceNames", strings2list(names)})
		}
		rules = append(rules, append(r, field{"verbs", strings2list(verbs)}))
	}
	if pl.opts.FastPropagation {
		configMaps, secrets := pl.objects()
		if len(configMaps) > 0 {
			rule("configmaps", configMaps, "get", "watch")
		}
		if len(secrets) > 0 {
			rule("secrets", secrets, "get", "watch")
		}
		rule("pods", pl.podNames(), "get", "patch")
	}
	if pl.opts.Events {
		rule("events", nil, "create", "patch")
	}
	return rules
}

func strings2list(s []string) list {
	l := make(list, len(s))
	for i := range s {
		l[i] = s[i]
	}
	return l
}

// podNames are the workload's pods where their names are known; a Deployment's are not.
func (pl *plan) podNames() []string {
	switch pl.w.kind {
	case "Pod":
		if pl.w.name != "" {
			return []string{pl.w.name}
		}
	case "StatefulSet":
		n, err := strconv.Atoi(pl.w.obj.get("spec", "replicas").str())
		if err != nil {
			n = 1
		}
		var names []string
		for i := range min(max(n, 1), 20) {
			names = append(names, pl.w.name+"-"+strconv.Itoa(i))
		}
		return names
	}
	return nil
}

// objects are the names of the ConfigMaps and Secrets behind the sidecar's mounts.
func (pl *plan) objects() (configMaps, secrets []string) {
	values := map[string]any{}
	for _, v := range pl.w.volumes() {
		values[v.name] = valueOf(v.cursor)
	}
	for _, v := range pl.added {
		values[v.(obj)[0].value.(string)] = v
	}
	for _, m := range pl.side.mounts {
		if !m.token {
			collect(values[m.volume], "configMap", &configMaps)
			collect(values[m.volume], "secret", &secrets)
		}
	}
	slices.Sort(configMaps)
	slices.Sort(secrets)
	return slices.Compact(configMaps), slices.Compact(secrets)
}

// collect finds the names of the objects of one kind in a volume.
func collect(v any, kind string, names *[]string) {
	switch v := v.(type) {
	case list:
		for _, e := range v {
			collect(e, kind, names)
		}
	case obj:
		for _, f := range v {
			o, ok := f.value.(obj)
			if f.key != kind || !ok {
				collect(f.value, kind, names)
				continue
			}
			for _, n := range o {
				if s, ok := n.value.(string); ok && (n.key == "name" || n.key == "secretName") {
					*names = append(*names, s)
				}
			}
		}
	}
}

// document appends an object to the manifest.
func (pl *plan) document(o obj) {
	pl.ed.insertLines(len(pl.ed.lines)+1, append([]string{"---"}, block(o, pl.dash)...), 0)
}
