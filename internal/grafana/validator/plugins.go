package validator

import (
	"slices"
	"strconv"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/snapshot"
)

var (
	rulePluginType      = newLastingRule("plugin-type-missing")
	rulePluginInstalled = newLastingRule("plugin-not-installed")
	rulePluginOrgName   = newLastingRule("plugin-org-name")
	rulePluginOrgID     = newRule("plugin-org-id")
	rulePluginTwice     = newRule("plugin-twice")
	rulePluginStays     = newRule("plugin-removed-stays")
	pluginKeys          = []string{"org_id", "org_name", "type", "disabled", "jsonData", "secureJsonData"}
)

func checkPlugins(p *validation, s *snapshot.Snapshot) {
	if s == nil {
		return
	}
	seen := map[dsKey]place{}
	named := map[string]bool{}
	for _, f := range p.files(s, yamlName) {
		d, top, ok := p.top(f)
		if !ok {
			continue
		}
		d.UnknownKeys(top, "a plugins file", []string{"apps"}, append(anchorsOnly(top), "apiVersion")...)
		for _, m := range d.Items(top.Get("apps"), "apps") {
			p.checkApp(f, d, m, seen, named)
		}
	}
	for _, old := range p.before(itemPlugin) {
		if !named[old.Name] {
			p.warnf(place{path: s.Source.UserPath("")}, rulePluginStays, "keep it with 'disabled: true'", "the app %q was removed from the files but stays as it was in Grafana", old.Name)
		}
	}
}

func (p *validation) checkApp(f file, d *provisioning.Decoder, m *provisioning.Map, seen map[dsKey]place, named map[string]bool) {
	d.UnknownKeys(m, "an app", pluginKeys, "enabled")
	if m.Has("enabled") {
		p.warnf(f.at(m.Key("enabled")), provisioning.RuleUnknownKey, "write 'disabled: true' to switch the app off", "an app has no key 'enabled': Grafana ignores it, and the app is enabled")
	}
	typ := d.Text(m, "type")
	orgID, orgName := d.Int(m, "org_id"), d.Text(m, "org_name")
	d.Bool(m, "disabled")
	d.FreeMap(m.Get("jsonData"), "jsonData")
	d.TextMap(m.Get("secureJsonData"), "secureJsonData", true)
	p.checkAppType(f.at(m.Key("type")), typ)

	id := max(orgID.Value, 0)
	if orgID.Known && orgID.Value < 1 {
		id = 1
		if orgName.Set && !orgName.Empty() {
			id = 0
			p.checkAppOrgName(f.at(orgName.Node), orgName)
		} else if orgID.Value < 0 {
			p.warnf(f.at(orgID.Node), rulePluginOrgID, "", "org_id is below 1: Grafana takes organization 1")
		}
	} else if orgID.Known {
		if exists, known := p.live.hasOrg(orgID.Value); known && !exists {
			p.warnf(f.at(orgID.Node), rulePluginOrgID, "", "organization %d does not exist: Grafana stores the setting, and it has no effect", orgID.Value)
		}
		if orgName.Set {
			p.warnf(f.at(orgName.Node), rulePluginOrgName, "remove one of them", "org_name is ignored beside org_id")
		}
	}
	name := named2(label(typ), id, orgName)
	named[name] = true
	if at, twice := seen[dsKey{id, name}]; twice {
		p.warnf(f.at(m.Node), rulePluginTwice, "remove one of them", "this app is already in %s:%d: the last one wins", at.path, at.line)
	}
	seen[dsKey{id, name}] = f.at(m.Node)
	p.item(itemPlugin, name, fingerprintMap(m), map[string]string{"org": strconv.FormatInt(id, 10), "type": label(typ)})
}

// named2 is an app's name in its organization, which may be known by name only.
func named2(typ string, id int64, orgName provisioning.Value) string {
	if id == 0 {
		return typ + " (organization " + label(orgName) + ")"
	}
	return named(typ, id)
}

func (p *validation) checkAppType(at place, typ provisioning.Value) {
	if typ.Known && p.version.Before(v9) && slices.Contains(coreTypes, typ.Text) {
		p.errorf(at, rulePluginInstalled, "", "this plugin is not an app: Grafana before 9 refuses all plugin files")
		return
	}
	switch {
	case typ.Empty():
		p.errorf(at, rulePluginType, "write type: and the id of the plugin", "an app needs a type: Grafana refuses all plugin files")
	case typ.Known:
		exists, known := p.live.hasPlugin(typ.Text)
		if exists {
			return
		}
		if known {
			p.errorf(at, rulePluginInstalled, "install the plugin first", "this plugin is not installed: Grafana refuses all plugin files")
		} else {
			p.warnf(at, rulePluginInstalled, "", "this plugin must be installed, or Grafana refuses all plugin files")
		}
	}
}

func (p *validation) checkAppOrgName(at place, name provisioning.Value) {
	if !name.Known {
		return
	}
	exists, known := p.live.hasOrgName(name.Text)
	switch {
	case exists:
	case known:
		p.errorf(at, rulePluginOrgName, "create the organization first", "there is no organization with this name: Grafana fails partway, and earlier apps stay applied")
	default:
		p.warnf(at, rulePluginOrgName, "", "an organization with this name must exist, or Grafana fails partway")
	}
}
