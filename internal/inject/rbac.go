package inject

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

const tokenDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// permissions adds what Events and fast propagation need: flags, the pod's name, a Role, and a
// token that only the sidecar sees.
func (pl *plan) permissions() {
	s := &pl.side
	if pl.opts.FastPropagation {
		s.args = append(s.args, "--fast-propagation")
	}
	if pl.opts.Events {
		s.args = append(s.args, "--events")
	}
	for _, v := range [][2]string{{"POD_NAME", "metadata.name"}, {"POD_NAMESPACE", "metadata.namespace"}, {"POD_UID", "metadata.uid"}} {
		s.setenv(obj{{"name", v[0]}, {"valueFrom", obj{{"fieldRef", obj{{"fieldPath", v[1]}}}}}})
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
	pl.did(sidecarName, len(pl.ed.lines)-1, "gets the Role %s, by the service account %s", name, account)
}

// account is the pod's service account; one is made where there is none.
func (pl *plan) account(name string, meta obj) string {
	pod := pl.w.pod
	for _, key := range []string{"serviceAccountName", "serviceAccount"} {
		if a := pod.get(key).str(); a != "" {
			if !pl.automounts(a) {
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
	pl.warn(pod, "the pod gets a service account, %s, whose token only container %s sees: a container that used the default account's permissions needs a Role and a token of its own", name, sidecarName)
	return name
}

// automounts says whether every container of the pod gets the account's token.
func (pl *plan) automounts(account string) bool {
	if own := pl.w.pod.get("automountServiceAccountToken"); own.ok() && !own.null() {
		return !own.is(false)
	}
	mounts := true
	for _, c := range pl.objs.find("ServiceAccount", account, pl.w.namespace) {
		mounts = !c.get("automountServiceAccountToken").is(false)
	}
	return mounts
}

// noToken keeps the pod's token, which the servers may need, out of the sidecar, which does not:
// the kubelet mounts it nowhere where something else is mounted.
func (pl *plan) noToken() {
	account := cmp.Or(pl.w.pod.get("serviceAccountName").str(), pl.w.pod.get("serviceAccount").str(), "default")
	if !pl.automounts(account) {
		return
	}
	name := pl.volumeName(sidecarName + "-no-token")
	pl.added = append(pl.added, obj{{"name", name}, {"emptyDir", obj{}}})
	pl.side.mounts = append(pl.side.mounts, finalMount{path: tokenDir, volume: name, kind: "emptyDir"})
	pl.did(sidecarName, pl.lineBehind("containers"), "does not see the token of the service account %s, for the empty volume %s is in its place", account, name)
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
	values := pl.volumeValues()
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

// volumeValues are the volumes as they will be, by name.
func (pl *plan) volumeValues() map[string]any {
	values := map[string]any{}
	for _, v := range pl.w.volumes() {
		values[v.name] = valueOf(v.cursor)
	}
	for _, v := range pl.added {
		values[v.(obj)[0].value.(string)] = v
	}
	return values
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

// document appends an object to the manifest. A file that begins as JSON is read as JSON to its
// end by kubectl, unless a separator says that it is YAML.
func (pl *plan) document(o obj) {
	at := len(pl.ed.src) - len(bytes.TrimPrefix(pl.ed.src, []byte("\xef\xbb\xbf")))
	if bytes.HasPrefix(bytes.TrimSpace(pl.ed.src[at:]), []byte("{")) && !pl.separated {
		pl.separated = true
		pl.ed.replace(at, at, "---"+pl.ed.eol)
		pl.did("", 1, "the manifest begins with --- now, for with more documents it is YAML and no JSON")
	}
	pl.ed.insertLines(len(pl.ed.lines)+1, append([]string{"---"}, block(o, pl.dash)...), 0)
}
