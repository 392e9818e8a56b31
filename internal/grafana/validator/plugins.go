package validator

import (
	"slices"
	"strconv"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

var (
	rulePluginType      = validation.NewLastingRule("plugin-type-missing")
	rulePluginInstalled = validation.NewLastingRule("plugin-not-installed")
	rulePluginOrgName   = validation.NewLastingRule("plugin-org-name")
	rulePluginOrgID     = validation.NewRule("plugin-org-id")
	rulePluginTwice     = validation.NewRule("plugin-twice")
	rulePluginStays     = validation.NewRule("plugin-removed-stays")
	pluginKeys          = []string{"org_id", "org_name", "type", "disabled", "jsonData", "secureJsonData"}
)

func checkPlugins(p *validation.Pass, s *snapshot.Snapshot) {
	if s == nil {
		return
	}
	seen := map[orgKey]validation.Place{}
	named := map[string]bool{}
	for _, f := range p.Files(s) {
		d, top, ok := p.Top(f)
		if !ok {
			continue
		}
		d.UnknownKeys(top, "a plugins file", []string{"apps"}, append(validation.AnchorsOnly(top), "apiVersion")...)
		for _, m := range d.Items(top.Get("apps"), "apps") {
			checkApp(p, f, d, m, seen, named)
		}
	}
	for _, old := range p.Before(itemPlugin) {
		if !named[old.Name] {
			p.Warnf(validation.Place{Path: s.Source.UserPath("")}, rulePluginStays, "keep it with 'disabled: true'", "the app %q was removed from the files but stays as it was in Grafana", old.Name)
		}
	}
}

func checkApp(p *validation.Pass, f validation.File, d *provisioning.Decoder, m *provisioning.Map, seen map[orgKey]validation.Place, named map[string]bool) {
	d.UnknownKeys(m, "an app", pluginKeys, "enabled")
	if m.Has("enabled") {
		p.Warnf(f.At(m.Key("enabled")), provisioning.RuleUnknownKey, "write 'disabled: true' to switch the app off", "an app has no key 'enabled': Grafana ignores it, and the app is enabled")
	}
	typ := d.Text(m, "type")
	orgID, orgName := d.Int(m, "org_id"), d.Text(m, "org_name")
	d.Bool(m, "disabled")
	d.FreeMap(m.Get("jsonData"), "jsonData")
	d.TextMap(m.Get("secureJsonData"), "secureJsonData", true)
	checkAppType(p, f.At(m.Key("type")), typ)

	id := max(orgID.Value, 0)
	if orgID.Known && orgID.Value < 1 {
		id = 1
		if orgName.Set && !orgName.Empty() {
			id = 0
			checkAppOrgName(p, f.At(orgName.Node), orgName)
		} else if orgID.Value < 0 {
			p.Warnf(f.At(orgID.Node), rulePluginOrgID, "", "org_id is below 1: Grafana uses organization 1")
		}
	} else if orgID.Known {
		if exists, known := p.Live.HasOrg(orgID.Value); known && !exists {
			p.Warnf(f.At(orgID.Node), rulePluginOrgID, "", "organization %d does not exist: Grafana stores the setting, and it has no effect", orgID.Value)
		}
		if orgName.Set {
			p.Warnf(f.At(orgName.Node), rulePluginOrgName, "remove one of them", "org_name is ignored when org_id is set")
		}
	}
	name := appName(validation.Label(typ), id, orgName)
	named[name] = true
	if at, twice := seen[orgKey{id, name}]; twice {
		p.Warnf(f.At(m.Node), rulePluginTwice, "remove one of them", "this app is already in %s:%d: the last one wins", at.Path, at.Line)
	}
	seen[orgKey{id, name}] = f.At(m.Node)
	p.Item(itemPlugin, name, validation.FingerprintMap(m), map[string]string{"org": strconv.FormatInt(id, 10), "type": validation.Label(typ)})
}

// appName is an app's name with its organization, of which only the name may be known.
func appName(typ string, id int64, orgName provisioning.Value) string {
	if id == 0 {
		return typ + " (organization " + validation.Label(orgName) + ")"
	}
	return validation.Named(typ, id)
}

func checkAppType(p *validation.Pass, at validation.Place, typ provisioning.Value) {
	exists, known := p.Live.HasPlugin(typ.Text)
	switch {
	case !typ.Known:
	case p.Version.Before(validation.V9) && slices.Contains(coreTypes, typ.Text):
		p.Errorf(at, rulePluginInstalled, "", "this plugin is not an app: Grafana before 9 refuses all plugin files")
	case typ.Text == "":
		p.Errorf(at, rulePluginType, "write type: and the id of the plugin", "an app needs a type: Grafana refuses all plugin files")
	case exists:
	case known:
		p.Errorf(at, rulePluginInstalled, "install the plugin first", "this plugin is not installed: Grafana refuses all plugin files")
	default:
		p.Warnf(at, rulePluginInstalled, "", "this plugin must be installed, or Grafana refuses all plugin files")
	}
}

func checkAppOrgName(p *validation.Pass, at validation.Place, name provisioning.Value) {
	if !name.Known {
		return
	}
	exists, known := p.Live.HasOrgName(name.Text)
	switch {
	case exists:
	case known:
		p.Errorf(at, rulePluginOrgName, "create the organization first", "there is no organization with this name: Grafana fails partway, and earlier apps stay applied")
	default:
		p.Warnf(at, rulePluginOrgName, "", "an organization with this name must exist, or Grafana fails partway")
	}
}
