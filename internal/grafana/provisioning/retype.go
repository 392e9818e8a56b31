package provisioning

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// text expands a string of a free map. Like Grafana, it may turn the result into a number or boolean.
func (f *free) text(n *yaml.Node, s string) any {
	d := f.d
	x := Expand(d.Env, s, true)
	d.Remarks(n, x)
	if x.fatal() {
		f.good = false
		return Unknown{}
	}
	if !x.Known {
		return Unknown{}
	}
	if !x.Changed || !d.TypedJSON || strings.Contains(s, "$$") {
		return x.Text
	}
	return f.retyped(n, x.Text)
}

// retyped turns an expanded string into the number or boolean that it looks like, as Grafana does.
func (f *free) retyped(n *yaml.Node, s string) any {
	d := f.d
	warn := func(what string) {
		if !f.wantsText(n) {
			return
		}
		d.Warnf(n, RuleRetyped, "if a string is needed, write part of it, or $$, outside of the variable", "the variable's value looks like %s and is stored as one; quotes do not help", what)
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		warn("a number")
		return i
	}
	if fl, err := strconv.ParseFloat(s, 64); err == nil {
		if f.stored && (math.IsNaN(fl) || math.IsInf(fl, 0)) {
			f.good = false
			d.Errorf(n, RuleNotFinite, "use another value", "the variable's value is read as a number that JSON does not have: Grafana fails to store it")
			return nil
		}
		warn("a number")
		return fl
	}
	if b, err := strconv.ParseBool(s); err == nil {
		warn("a boolean")
		return b
	}
	return s
}

// wantsText reports whether a variable was probably meant to be a string: it is in quotes, or its key is known
// to want a string. Without quotes it becomes what the same text would be in YAML.
func (f *free) wantsText(n *yaml.Node) bool {
	key := strings.ToLower(f.key)
	if f.judged || slices.Contains(numberKeys, key) {
		return false
	}
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 || slices.Contains(textKeys, key) || strings.HasPrefix(key, "httpheadername")
}

// Keys of jsonData, in lower case, by what Grafana's own data sources read there.
var (
	numberKeys = []string{
		"maxopenconns", "maxidleconns", "maxidleconnsauto", "connmaxlifetime", "postgresversion", "timescaledb", "timeout", "connectiontimeout",
		"maxconcurrentshardrequests", "esversion", "xpack", "includefrozen", "tsdbversion", "tsdbresolution", "lookuplimit", "maxseries",
		"tlsauth", "tlsauthwithcacert", "tlsskipverify", "withcredentials", "oauthpassthru", "enablesecuresocksproxy", "managealerts",
		"allowasrecordingrulestarget", "disablemetricslookup", "disablerecordingrules", "incrementalquerying", "sigv4auth", "keepcookies",
		"handlegrafanamanagedalerts", "rolluppenabled", "rollupindicatorenabled", "graphiteversion",
	}
	textKeys = []string{
		"accountid", "tenant", "tenantid", "clientid", "subscriptionid", "organization", "defaultbucket", "database", "dbname", "index", "timefield",
		"logmessagefield", "loglevelfield", "externalid", "assumerolearn", "profile", "defaultregion", "defaultproject", "customqueryparameters",
		"timeinterval", "querytimeout", "servername", "chatid",
	}
)
