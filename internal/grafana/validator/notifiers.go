package validator

import (
	"strconv"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/snapshot"
)

var (
	ruleNotifiersGone    = newRule("notifiers-gone")
	ruleNotifierRequired = newRule("notifier-required")
	ruleNotifierType     = newRule("notifier-type")
	ruleNotifierSettings = newRule("notifier-settings")
	ruleNotifierName     = newRule("notifier-name-duplicate")
	ruleNotifierUID      = newRule("notifier-uid-duplicate")
	ruleNotifierOrgName  = newRule("notifier-org-name")
	notifierKeys         = []string{
		"uid", "org_id", "org_name", "name", "type", "send_reminder", "frequency", "is_default", "disable_resolve_message", "settings", "secure_settings",
	}
)

// notifierNeeds are the legacy notifier types and the settings without which they are refused. A list
// within the list are alternatives.
var notifierNeeds = map[string][][]string{
	"dingding": {{"url"}}, "kafka": {{"kafkaRestProxy"}, {"kafkaTopic"}}, "email": {{"addresses"}}, "pagerduty": {{"integrationKey"}},
	"victorops": {{"url"}}, "pushover": {{"apiToken"}, {"userKey"}}, "slack": {{"url", "token", "recipient"}}, "sensu": {{"url"}},
	"sensugo": {{"url"}, {"apikey"}}, "teams": {{"url"}}, "telegram": {{"bottoken"}, {"chatid"}}, "webhook": {{"url"}},
	"prometheus-alertmanager": {{"url"}}, "discord": {{"url"}}, "googlechat": {{"url"}}, "LINE": {{"token"}},
	"threema": {{"gateway_id"}, {"recipient_id"}, {"api_secret"}}, "opsgenie": {{"apiKey"}}, "hipchat": {{"url"}},
}

func checkNotifiers(p *validation, s *snapshot.Snapshot) {
	if s == nil {
		return
	}
	files := p.files(s, yamlName)
	if p.version.AtLeast(v10) {
		for _, f := range files {
			p.warnf(f.at(nil), ruleNotifiersGone, "write contact points under alerting/", "this Grafana (%s) has no legacy notifiers: nothing here is read", p.version)
		}
		return
	}
	names, uids := map[dsKey]place{}, map[dsKey]place{}
	for _, f := range files {
		p.readNotifiers(f, names, uids)
	}
}

func (p *validation) readNotifiers(f file, names, uids map[dsKey]place) {
	d, top, ok := p.top(f)
	if !ok {
		return
	}
	d.UnknownKeys(top, "a notifiers file", []string{"notifiers", "delete_notifiers"}, append(anchorsOnly(top), "apiVersion")...)
	for _, m := range d.Items(top.Get("delete_notifiers"), "delete_notifiers") {
		d.UnknownKeys(m, "delete_notifiers", []string{"uid", "name", "org_id", "org_name"})
		p.notifierRequired(f, m, d.Text(m, "name"), "name")
		p.notifierRequired(f, m, d.Text(m, "uid"), "uid")
		p.notifierOrg(f, d, m)
	}
	for _, m := range d.Items(top.Get("notifiers"), "notifiers") {
		p.checkNotifier(f, d, m, names, uids)
	}
}

func (p *validation) notifierRequired(f file, m *provisioning.Map, v provisioning.Value, key string) {
	if v.Empty() {
		p.errorf(f.at(m.Node), ruleNotifierRequired, "write "+key, "a notifier needs %s: Grafana refuses all notifier files", key)
	}
}

// notifierOrg is the organization, 0 when not known.
func (p *validation) notifierOrg(f file, d *provisioning.Decoder, m *provisioning.Map) int64 {
	o, name := d.Int(m, "org_id"), d.Text(m, "org_name")
	if !o.Known {
		return 0
	}
	if o.Value >= 1 {
		p.checkOrg(f.at(o.Node), o.Value)
		return o.Value
	}
	if !name.Set || name.Empty() {
		return 1
	}
	if exists, known := p.live.hasOrgName(name.Text); name.Known && known && !exists {
		p.errorf(f.at(name.Node), ruleNotifierOrgName, "create the organization first", "there is no organization with this name: Grafana refuses all notifier files")
	}
	return 0
}

func (p *validation) checkNotifier(f file, d *provisioning.Decoder, m *provisioning.Map, names, uids map[dsKey]place) {
	d.UnknownKeys(m, "a notifier", notifierKeys)
	name, uid, typ := d.Text(m, "name"), d.Text(m, "uid"), d.Text(m, "type")
	for _, key := range []string{"send_reminder", "is_default", "disable_resolve_message"} {
		d.Bool(m, key)
	}
	d.Text(m, "frequency")
	settings, _ := d.FreeMap(m.Get("settings"), "settings")
	secure, _ := d.TextMap(m.Get("secure_settings"), "secure_settings", true)
	p.notifierRequired(f, m, name, "name")
	p.notifierRequired(f, m, uid, "uid")
	id := p.notifierOrg(f, d, m)
	p.notifierSettings(f, m, typ, settings, secure)
	if at, twice := uids[dsKey{id, label(uid)}]; twice {
		p.warnf(f.at(m.Node), ruleNotifierUID, "use another uid", "%s:%d has this uid: the last one wins", at.path, at.line)
	} else if at, twice := names[dsKey{id, label(name)}]; twice {
		p.errorf(f.at(m.Node), ruleNotifierName, "use another name", "%s:%d has this name: Grafana fails here, and earlier entries stay applied", at.path, at.line)
	}
	uids[dsKey{id, label(uid)}], names[dsKey{id, label(name)}] = f.at(m.Node), f.at(m.Node)
	p.item(itemNotifier, named(label(name), max(id, 1)), fingerprintMap(m), map[string]string{"uid": label(uid), "org": strconv.FormatInt(id, 10)})
}

func (p *validation) notifierSettings(f file, m *provisioning.Map, typ provisioning.Value, settings map[string]any, secure map[string]provisioning.Value) {
	if !typ.Known {
		return
	}
	needs, ok := notifierNeeds[typ.Text]
	if !ok {
		p.errorf(f.at(m.Key("type")), ruleNotifierType, "", "this notifier type is not known: Grafana refuses all notifier files")
		return
	}
	for _, alternatives := range needs {
		if !hasAny(alternatives, settings, secure) {
			p.errorf(f.at(m.Key("settings")), ruleNotifierSettings, "", "the settings need %s: Grafana refuses all notifier files", alternatives[0])
		}
	}
}

func hasAny(keys []string, settings map[string]any, secure map[string]provisioning.Value) bool {
	for _, k := range keys {
		switch v := settings[k].(type) {
		case nil:
		case string:
			if v != "" {
				return true
			}
		default:
			return true
		}
		if v, ok := secure[k]; ok && !v.Empty() {
			return true
		}
	}
	return false
}
