package inject

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

const tokenDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// permissions adds what Events and fast propagation need: flags, the pod's name, a Role, and a token that only the sidecar sees.
func (pl *plan) permissions() {
	s := &pl.side
	if pl.opts.FastPropagation {
		s.args = append(s.args, "--fast-propagation")
	}
	if pl.opts.Events {
		s.args = append(s.args, "--events")
	}
	for _, v := range [][2]string{{"POD_NAME", "metadata.name"}, {"POD_NAMESPACE", "metadata.namespace"}, {"POD_UID", "metadata.uid"}} {
		s.setenv(yamledit.Map{{"name", v[0]}, {"valueFrom", yamledit.Map{{"fieldRef", yamledit.Map{{"fieldPath", v[1]}}}}}})
	}
	name := pl.w.Name + "-" + sidecarName
	// The pod keeps its service account: its containers may need the permissions and the token.
	meta, account := yamledit.Map{{"name", name}}, accountOf(pl.w)
	if !pl.automounts(account) {
		pl.token()
	}
	subject := yamledit.Map{{"kind", "ServiceAccount"}, {"name", account}}
	if ns := pl.w.Namespace; ns != "" {
		meta, subject = append(meta, yamledit.Pair{"namespace", ns}), append(subject, yamledit.Pair{"namespace", ns})
	}
	rules := pl.rules()
	pl.sharedAccount(account, rules)
	pl.document(yamledit.Map{
		{"apiVersion", "rbac.authorization.k8s.io/v1"}, {"kind", "Role"}, {"metadata", meta}, {"rules", rules},
	})
	pl.document(yamledit.Map{
		{"apiVersion", "rbac.authorization.k8s.io/v1"}, {"kind", "RoleBinding"}, {"metadata", meta},
		{"roleRef", yamledit.Map{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", name}}},
		{"subjects", yamledit.List{subject}},
	})
	pl.did(sidecarName, pl.ed.LastLineNumber(), "gets the Role %s, by the service account %s", name, account)
}

// accountOf is the service account of a pod.
func accountOf(w *manifest.Workload) string {
	return cmp.Or(w.Pod.Get("serviceAccountName").Str(), w.Pod.Get("serviceAccount").Str(), defaultAccount)
}

// defaultAccount is the service account of a pod that names none.
const defaultAccount = "default"

// sharedAccount warns if other pods get the rules, too, because they have the same service account.
func (pl *plan) sharedAccount(account string, rules yamledit.List) {
	others := "every pod of the namespace that names no service account"
	if account != defaultAccount {
		var names []string
		for _, w := range pl.in.Workloads {
			if w != pl.w && accountOf(w) == account && (w.Namespace == pl.w.Namespace || w.Namespace == "" || pl.w.Namespace == "") {
				names = append(names, w.String())
			}
		}
		if len(names) == 0 {
			return
		}
		others = strings.Join(names[:min(len(names), 6)], ", ")
		if len(names) > 6 {
			others += ", and " + strconv.Itoa(len(names)-6) + " more"
		}
	}
	var rights []string
	for _, r := range rules {
		rights = append(rights, right(r.(yamledit.Map)))
	}
	pl.warn(pl.w.Pod, "the Role is bound to the service account %s, which is also that of %s: each of these pods may then %s. Give this pod its own service account, with the permissions that its servers need, and inject again",
		account, others, strings.Join(rights, "; "))
}

// right describes what one rule of a Role allows.
func right(rule yamledit.Map) string {
	texts := map[string][]string{}
	for _, p := range rule {
		for _, v := range p.Value().(yamledit.List) {
			texts[p.Key()] = append(texts[p.Key()], v.(string))
		}
	}
	resource := map[string]string{"configmaps": "ConfigMap", "secrets": "Secret", "pods": "pod", "events": "Event"}[texts["resources"][0]]
	what := "every " + resource + " of the namespace"
	if names := texts["resourceNames"]; len(names) > 0 {
		what = resource + " " + strings.Join(names, ", ")
	}
	return strings.Join(texts["verbs"], " and ") + " " + what
}

// automounts reports whether every container of the pod gets the token of the service account.
func (pl *plan) automounts(account string) bool {
	if own := pl.w.Pod.Get("automountServiceAccountToken"); own.OK() && !own.Null() {
		return !own.Is(false)
	}
	mounts := true
	for _, c := range pl.accounts[account] {
		if ns := c.Get("metadata", "namespace").Str(); ns == "" || pl.w.Namespace == "" || ns == pl.w.Namespace {
			mounts = !c.Get("automountServiceAccountToken").Is(false)
		}
	}
	return mounts
}

// noToken keeps the pod's token out of the sidecar, which does not need it. The servers keep it. The token is not mounted into a
// container that already has a mount at that path.
func (pl *plan) noToken() {
	account := accountOf(pl.w)
	if !pl.automounts(account) {
		return
	}
	name := pl.volumeName(sidecarName + "-no-token")
	pl.added = append(pl.added, yamledit.Map{{"name", name}, {"emptyDir", yamledit.Map{}}})
	pl.side.mount(finalMount{path: tokenDir, volume: name, kind: "emptyDir"})
	pl.did(sidecarName, pl.lineBehind("containers"), "does not see the token of the service account %s, because the empty volume %s covers it", account, name)
}

// token mounts the service account's token, the API's CA and the namespace into the sidecar alone.
func (pl *plan) token() {
	name := pl.volumeName(sidecarName + "-token")
	pl.added = append(pl.added, yamledit.Map{{"name", name}, {"projected", yamledit.Map{{"sources", yamledit.List{
		yamledit.Map{{"serviceAccountToken", yamledit.Map{{"path", "token"}, {"expirationSeconds", 3600}}}},
		yamledit.Map{{"configMap", yamledit.Map{{"name", "kube-root-ca.crt"}, {"items", yamledit.List{yamledit.Map{{"key", "ca.crt"}, {"path", "ca.crt"}}}}}}},
		yamledit.Map{{"downwardAPI", yamledit.Map{{"items", yamledit.List{yamledit.Map{{"path", "namespace"}, {"fieldRef", yamledit.Map{{"fieldPath", "metadata.namespace"}}}}}}}}},
	}}}}})
	pl.side.mount(finalMount{path: tokenDir, volume: name, kind: "projected", token: true})
}

// rules allow reading exactly the objects behind the sidecar's mounts, and what the options need.
func (pl *plan) rules() yamledit.List {
	var rules yamledit.List
	rule := func(resource string, names []string, verbs ...string) {
		r := yamledit.Map{{"apiGroups", yamledit.List{""}}, {"resources", yamledit.List{resource}}}
		if len(names) > 0 {
			r = append(r, yamledit.Pair{"resourceNames", strings2list(names)})
		}
		rules = append(rules, append(r, yamledit.Pair{"verbs", strings2list(verbs)}))
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

func strings2list(s []string) yamledit.List {
	l := make(yamledit.List, len(s))
	for i := range s {
		l[i] = s[i]
	}
	return l
}

// podNames are the names of the workload's pods, if they are known; those of a Deployment are not.
func (pl *plan) podNames() []string {
	switch pl.w.Kind {
	case "Pod":
		if pl.w.Name != "" {
			return []string{pl.w.Name}
		}
	case "StatefulSet":
		n, err := strconv.Atoi(pl.w.Object.Get("spec", "replicas").Str())
		if err != nil {
			n = 1
		}
		var names []string
		for i := range min(max(n, 1), 20) {
			names = append(names, pl.w.Name+"-"+strconv.Itoa(i))
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

// volumeValues are the volumes of the result, by name.
func (pl *plan) volumeValues() map[string]any {
	if pl.values == nil {
		pl.values = map[string]any{}
		for _, v := range pl.w.Volumes {
			pl.values[v.Name] = yamledit.ValueOf(v.Cursor)
		}
	}
	for _, v := range pl.added[min(pl.valued, len(pl.added)):] {
		pl.values[v.(yamledit.Map)[0].Value().(string)] = v
	}
	pl.valued = len(pl.added)
	return pl.values
}

// collect finds the names of the objects of one kind in a volume.
func collect(v any, kind string, names *[]string) {
	switch v := v.(type) {
	case yamledit.List:
		for _, e := range v {
			collect(e, kind, names)
		}
	case yamledit.Map:
		for _, f := range v {
			o, ok := f.Value().(yamledit.Map)
			if f.Key() != kind || !ok {
				collect(f.Value(), kind, names)
				continue
			}
			for _, n := range o {
				if s, ok := n.Value().(string); ok && (n.Key() == "name" || n.Key() == "secretName") {
					*names = append(*names, s)
				}
			}
		}
	}
}

// document appends an object to the manifest.
func (pl *plan) document(o yamledit.Map) {
	if pl.ed.AppendDocument(o, pl.dash) {
		pl.did("", 1, "the manifest now begins with ---, because with several documents it is YAML, not JSON")
	}
}
