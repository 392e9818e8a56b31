package validator

import (
	"strconv"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

var (
	ruleNotifiersGone    = validation.NewRule("notifiers-gone")
	ruleNotifierRequired = validation.NewRule("notifier-required")
	ruleNotifierType     = validation.NewRule("notifier-type")
	ruleNotifierSettings = validation.NewRule("notifier-settings")
	ruleNotifierName     = validation.NewRule("notifier-name-duplicate")
	ruleNotifierUID      = validation.NewRule("notifier-uid-duplicate")
	ruleNotifierOrgName  = validation.NewRule("notifier-org-name")
	notifierKeys         = []string{
		"uid", "org_id", "org_name", "name", "type", "send_reminder", "frequency", "is_default", "disable_resolve_message", "settings", "secure_settings",
	}
)

// notifierNeeds are the legacy notifier types with their required settings. Each inner list has
// alternatives, of which one is required.
var notifierNeeds = map[string][][]string{
	"dingding": {{"url"}}, "kafka": {{"kafkaRestProxy"}, {"kafkaTopic"}}, "email": {{"addresses"}}, "pagerduty": {{"integrationKey"}},
	"victorops": {{"url"}}, "pushover": {{"apiToken"}, {"userKey"}}, "slack": {{"url", "token", "recipient"}}, "sensu": {{"url"}},
	"sensugo": {{"url"}, {"apikey"}}, "teams": {{"url"}}, "telegram": {{"bottoken"}, {"chatid"}}, "webhook": {{"url"}},
	"prometheus-alertmanager": {{"url"}}, "discord": {{"url"}}, "googlechat": {{"url"}}, "LINE": {{"token"}},
	"threema": {{"gateway_id"}, {"recipient_id"}, {"api_secret"}}, "opsgenie": {{"apiKey"}}, "hipchat": {{"url"}},
}

func checkNotifiers(p *validation.Pass, s *snapshot.Snapshot) {
	if s == nil {
		return
	}
	files := p.Files(s)
	if p.Version.AtLeast(validation.V10) {
		for _, f := range files {
			p.Warnf(f.At(nil), ruleNotifiersGone, "write contact points under alerting/", "this Grafana (%s) has no legacy notifiers: nothing here is read", p.Version)
		}
		return
	}
	names, uids := map[orgKey]validation.Place{}, map[orgKey]validation.Place{}
	for _, f := range files {
		readNotifiers(p, f, names, uids)
	}
}

func readNotifiers(p *validation.Pass, f validation.File, names, uids map[orgKey]validation.Place) {
	d, top, ok := p.Top(f)
	if !ok {
		return
	}
	d.UnknownKeys(top, "a notifiers file", []string{"notifiers", "delete_notifiers"}, append(validation.AnchorsOnly(top), "apiVersion")...)
	for _, m := range d.Items(top.Get("delete_notifiers"), "delete_notifiers") {
		d.UnknownKeys(m, "delete_notifiers", []string{"uid", "name", "org_id", "org_name"})
		notifierRequired(p, f, m, d.Text(m, "name"), "name")
		notifierRequired(p, f, m, d.Text(m, "uid"), "uid")
		notifierOrg(p, f, d, m)
	}
	for _, m := range d.Items(top.Get("notifiers"), "notifiers") {
		checkNotifier(p, f, d, m, names, uids)
	}
}

func notifierRequired(p *validation.Pass, f validation.File, m *provisioning.Map, v provisioning.Value, key string) {
	if v.Empty() {
		p.Errorf(f.At(m.Node), ruleNotifierRequired, "write "+key, "a notifier needs %s: Grafana refuses all notifier files", key)
	}
}

// notifierOrg is the organization's id; 0 when it is not known.
func notifierOrg(p *validation.Pass, f validation.File, d *provisioning.Decoder, m *provisioning.Map) int64 {
	o, name := d.Int(m, "org_id"), d.Text(m, "org_name")
	if !o.Known {
		return 0
	}
	if o.Value >= 1 {
		p.CheckOrg(f.At(o.Node), o.Value)
		return o.Value
	}
	if !name.Set || name.Empty() {
		return 1
	}
	if exists, known := p.Live.HasOrgName(name.Text); name.Known && known && !exists {
		p.Errorf(f.At(name.Node), ruleNotifierOrgName, "create the organization first", "there is no organization with this name: Grafana refuses all notifier files")
	}
	return 0
}

func checkNotifier(p *validation.Pass, f validation.File, d *provisioning.Decoder, m *provisioning.Map, names, uids map[orgKey]validation.Place) {
	d.UnknownKeys(m, "a notifier", notifierKeys)
	name, uid, typ := d.Text(m, "name"), d.Text(m, "uid"), d.Text(m, "type")
	for _, key := range []string{"send_reminder", "is_default", "disable_resolve_message"} {
		d.Bool(m, key)
	}
	d.Text(m, "frequency")
	settings, _ := d.FreeMap(m.Get("settings"), "settings")
	secure, _ := d.TextMap(m.Get("secure_settings"), "secure_settings", true)
	notifierRequired(p, f, m, name, "name")
	notifierRequired(p, f, m, uid, "uid")
	id := notifierOrg(p, f, d, m)
	notifierSettings(p, f, m, typ, settings, secure)
	if at, twice := uids[orgKey{id, validation.Label(uid)}]; twice {
		p.Warnf(f.At(m.Node), ruleNotifierUID, "use another uid", "%s:%d has this uid: the last one wins", at.Path, at.Line)
	} else if at, twice := names[orgKey{id, validation.Label(name)}]; twice {
		p.Errorf(f.At(m.Node), ruleNotifierName, "use another name", "%s:%d has this name: Grafana fails here, and earlier entries stay applied", at.Path, at.Line)
	}
	uids[orgKey{id, validation.Label(uid)}], names[orgKey{id, validation.Label(name)}] = f.At(m.Node), f.At(m.Node)
	p.Item(itemNotifier, validation.Named(validation.Label(name), max(id, 1)), validation.FingerprintMap(m), map[string]string{"uid": validation.Label(uid), "org": strconv.FormatInt(id, 10)})
}

func notifierSettings(p *validation.Pass, f validation.File, m *provisioning.Map, typ provisioning.Value, settings map[string]any, secure map[string]provisioning.Value) {
	if !typ.Known {
		return
	}
	needs, ok := notifierNeeds[typ.Text]
	if !ok {
		p.Errorf(f.At(m.Key("type")), ruleNotifierType, "", "this notifier type is not known: Grafana refuses all notifier files")
		return
	}
	for _, alternatives := range needs {
		if !hasAny(alternatives, settings, secure) {
			p.Errorf(f.At(m.Key("settings")), ruleNotifierSettings, "", "the settings need %s: Grafana refuses all notifier files", alternatives[0])
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
