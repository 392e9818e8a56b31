package alerting

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

var (
	rulePolicyValue    = validation.NewRule("policy-value")
	rulePolicyMatcher  = validation.NewRule("policy-matcher")
	rulePolicyRoot     = validation.NewRule("policy-root")
	rulePolicyGroupBy  = validation.NewRule("policy-group-by")
	rulePolicyKey      = validation.NewRule("policy-unknown-key")
	rulePolicyTwice    = validation.NewRule("policy-twice")
	rulePolicyContinue = validation.NewRule("policy-matches-all")
	rulePolicyVersion  = validation.NewRule("policy-key-version")

	routeKeys = []string{
		"receiver", "group_by", "match", "match_re", "matchers", "object_matchers", "mute_time_intervals", "active_time_intervals",
		"continue", "routes", "group_wait", "group_interval", "repeat_interval", "provenance",
	}
)

// policy is a tree of notification policies.
type policy struct {
	at          validation.Place
	org         int64 // 0: not known
	fingerprint uint64
	receivers   []reference
	intervals   []reference
}

// reference is a name that a route refers to.
type reference struct {
	at   validation.Place
	name string
}

// route is one node of the tree: its values, and the YAML they come from.
type route struct {
	a      *reader
	values map[string]any
	node   *yaml.Node
	policy *policy
}

func (a *reader) policy(m *provisioning.Map) *policy {
	pol := &policy{at: a.f.At(m.Node), org: a.org(m), fingerprint: validation.FingerprintMap(m)}
	if values, ok := a.d.JudgedMap(m.Node, "a policy"); ok {
		r := &route{a: a, values: values, node: m.Node, policy: pol}
		r.root()
		r.read(0)
	}
	return pol
}

func (r *route) at(key string) validation.Place { return keyAt(r.a.f, r.a.d, r.node, key) }

// broken reports what makes Grafana refuse the file.
func (r *route) broken(key, rule, hint, format string, args ...any) {
	r.a.p.Errorf(r.at(key), rule, hint, format+": Grafana refuses all alerting files", args...)
}

// refused reports what makes Grafana fail when it stores the tree.
func (r *route) refused(key, rule, hint, format string, args ...any) {
	r.a.p.Errorf(r.at(key), rule, hint, format+": Grafana fails while writing the policies; contact points stay applied", args...)
}

func (r *route) root() {
	if v, _ := r.text("receiver"); v == "" && !unknownValue(get(r.values, "receiver")) {
		r.refused("receiver", rulePolicyRoot, "write the name of a contact point", "the root policy needs a receiver")
	}
	for _, key := range []string{"match", "match_re", "matchers", "object_matchers", "mute_time_intervals", "active_time_intervals"} {
		v := get(r.values, key)
		full := false
		switch t := v.(type) {
		case map[string]any:
			full = len(t) > 0
		case []any:
			full = len(t) > 0
		}
		if full && (key != "active_time_intervals" || r.a.p.Version.AtLeast(validation.V11)) {
			r.refused(key, rulePolicyRoot, "move it into one of the routes", "the root policy must not have '%s'", key)
		}
	}
}

// maxRoutes limits the depth of a tree.
const maxRoutes = 1000

func (r *route) read(depth int) {
	r.unknownKeys(depth == 0)
	if v, ok := r.text("receiver"); ok && v != "" {
		r.policy.receivers = append(r.policy.receivers, reference{r.at("receiver"), v})
	}
	r.text("provenance")
	r.groupBy()
	r.matchers(depth == 0)
	for _, key := range []string{"mute_time_intervals", "active_time_intervals"} {
		if key == "active_time_intervals" && r.a.p.Version.Before(validation.V121) {
			if v := get(r.values, key); v != nil {
				r.a.p.Warnf(r.at(key), rulePolicyVersion, "", "'%s' needs Grafana 12.1 or later: this version (%s) ignores it, and the route is always active", key, r.a.p.Version)
			}
			if r.a.p.Version.Before(validation.V11) {
				continue // read as nothing
			}
		}
		for _, name := range r.texts(key) {
			r.policy.intervals = append(r.policy.intervals, reference{r.at(key), name})
		}
	}
	if v := get(r.values, "continue"); v != nil && !unknownValue(v) {
		if _, ok := v.(bool); !ok {
			r.broken("continue", rulePolicyValue, "write true or false, without quotes", "'continue' must be true or false")
		}
	}
	for _, key := range []string{"group_wait", "group_interval", "repeat_interval"} {
		r.duration(key)
	}
	v := get(r.values, "routes")
	if v == nil || depth > maxRoutes {
		return
	}
	list, ok := v.([]any)
	if !ok {
		r.broken("routes", rulePolicyValue, "write a dash before each route", "'routes' must be a list")
		return
	}
	nodes := r.nodes("routes")
	for i, item := range list {
		child := &route{a: r.a, node: r.node, policy: r.policy}
		if i < len(nodes) {
			child.node = nodes[i]
		}
		switch t := item.(type) {
		case map[string]any:
			child.values = t
			child.read(depth + 1)
		case nil:
			r.a.p.Errorf(r.a.f.At(child.node), ruleNullItem, "remove the dash, or write the route after it", "an empty route makes Grafana panic")
		default:
			r.a.p.Errorf(r.a.f.At(child.node), rulePolicyValue, "", "a route must be a map: Grafana refuses all alerting files")
		}
	}
}

// nodes returns the YAML nodes of a list's items.
func (r *route) nodes(key string) []*yaml.Node {
	if list := r.a.d.Resolve(valueOf(r.a.d, r.node, key)); list != nil && list.Kind == yaml.SequenceNode {
		return list.Content
	}
	return nil
}

func (r *route) unknownKeys(root bool) {
	at := keysAt(r.a.f, r.a.d, r.node)
	for key := range r.values {
		if root && (key == "orgId" || key == "name") {
			continue
		}
		if slices.ContainsFunc(routeKeys, func(k string) bool { return strings.EqualFold(k, key) }) || strings.HasPrefix(key, "x-") {
			continue
		}
		r.a.p.Warnf(at(key), rulePolicyKey, provisioning.KeyHint(key, routeKeys), "a policy has no key '%s': Grafana ignores it", validation.Cut(key))
	}
	if root && get(r.values, "name") != nil {
		if r.a.p.Version.AtLeast(validation.V13) {
			r.a.p.Warnf(r.at("name"), rulePolicyKey, "create named trees through the API, or remove it", "'name' of a policy is not documented for files; this is probably the organization's default tree")
		} else {
			r.a.p.Warnf(r.at("name"), rulePolicyKey, "remove it", "'name' of a policy is ignored: an organization has one tree")
		}
	}
}

// text returns a string of the route; not ok when it is unknown or was reported.
func (r *route) text(key string) (string, bool) {
	v := get(r.values, key)
	switch {
	case v == nil:
		return "", true
	case unknownValue(v):
		return "", false
	case !isText(v):
		r.broken(key, rulePolicyValue, "put it in quotes", "'%s' must be a string", key)
		return "", false
	}
	s, ok := v.(string)
	return s, ok
}

// texts returns a list of strings of the route, without unknown ones.
func (r *route) texts(key string) []string {
	v := get(r.values, key)
	if v == nil {
		return nil
	}
	if !isListOf(v, isText) {
		r.broken(key, rulePolicyValue, "write a list of strings: [a, b]", "'%s' must be a list of strings", key)
		return nil
	}
	var out []string
	for _, item := range v.([]any) {
		if unknownValue(item) {
			continue
		}
		s, _ := item.(string)
		out = append(out, s)
	}
	return out
}

func (r *route) groupBy() {
	seen := map[string]bool{}
	for _, l := range r.texts("group_by") {
		if seen[l] && l != "..." {
			r.refused("group_by", rulePolicyGroupBy, "remove one of them", "'group_by' has a label twice")
		}
		seen[l] = true
	}
	if seen["..."] && len(seen) > 1 {
		r.refused("group_by", rulePolicyGroupBy, "write ... alone", "'group_by' has ... and other labels")
	}
}

func (r *route) duration(key string) {
	v := get(r.values, key)
	if v == nil || unknownValue(v) {
		return
	}
	s, isString := v.(string)
	d, err := parseDuration(s)
	switch {
	case !isString || err != nil:
		r.broken(key, ruleDuration, durationForm, "'%s' is not a duration", key)
	case d == 0 && key != "group_wait":
		r.refused(key, ruleDuration, "write a duration above 0", "'%s' must not be 0", key)
	}
}
