package validator

import (
	"net/url"
	"slices"
	"strings"
)

var (
	ruleDSDefaultTwice = newLastingRule("datasource-default-twice")
	ruleDSName         = newLastingRule("datasource-name-missing")
	ruleDSNameLong     = newRule("datasource-name-long")
	ruleDSNameSpace    = newRule("datasource-name-space")
	ruleDSURL          = newRule("datasource-url")
	ruleDSURLLong      = newRule("datasource-url-long")
	ruleDSUID          = newRule("datasource-uid")
	ruleDSAccess       = newRule("datasource-access")
	ruleDSType         = newRule("datasource-type")
	ruleDSPassword     = newRule("datasource-password-ignored")
	ruleDSVersion      = newRule("datasource-version")
	ruleDSNoUser       = newRule("datasource-basic-auth-user")
)

const maxURLBytes = 255

// httpTypes speak HTTP and need a URL with a scheme.
var httpTypes = map[string]bool{
	"alertmanager": true, "elasticsearch": true, "graphite": true, "influxdb": true, "jaeger": true, "loki": true, "opentsdb": true,
	"parca": true, "prometheus": true, "tempo": true, "zipkin": true, "grafana-pyroscope-datasource": true,
}

// checkDefaults does what Grafana does over all files before it writes anything: organizations exist, and
// at most one default in each.
func (p *validation) checkDefaults(files []*dsFile) {
	first := map[int64]place{}
	for _, f := range files {
		for _, e := range f.entries {
			p.checkOrg(e.orgAt, e.org)
			if !e.isDefault.Value || e.org == 0 {
				continue
			}
			if at, twice := first[e.org]; twice {
				p.errorf(e.file.at(e.isDefault.Node), ruleDSDefaultTwice, "leave isDefault in one of them", "%s:%d has the default of this organization already: Grafana refuses all data source files", at.path, at.line)
				continue
			}
			first[e.org] = e.file.at(e.isDefault.Node)
		}
	}
}

// checkDatasource judges the fields of one entry.
func (p *validation) checkDatasource(e *dsEntry) {
	p.checkDatasourceName(e)
	p.checkDatasourceUID(e)
	p.checkDatasourceURL(e)
	if e.access.Known && e.access.Text != "" && e.access.Text != "proxy" && e.access.Text != "direct" {
		p.warnf(e.file.at(e.access.Node), ruleDSAccess, "write proxy or direct", "access must be proxy or direct: Grafana uses proxy")
	}
	p.checkDatasourceType(e)
	for _, key := range []string{"password", "basicAuthPassword"} {
		if e.node.Has(key) {
			p.warnf(e.file.at(e.node.Key(key)), ruleDSPassword, "write it under secureJsonData", "Grafana ignores %s here", key)
		}
	}
	if e.basicAuth.Value && e.authUser.Empty() {
		p.warnf(e.file.at(e.basicAuth.Node), ruleDSNoUser, "write basicAuthUser, and basicAuthPassword under secureJsonData", "basicAuth is on without basicAuthUser: a new data source logs in with an empty user name")
	}
	if e.version.Set {
		if p.version.AtLeast(v10) {
			p.warnf(e.file.at(e.node.Key("version")), ruleDSVersion, "remove the key", "with a version, Grafana skips the next change of this data source silently until the number is raised")
		} else {
			p.infof(e.file.at(e.node.Key("version")), ruleDSVersion, "remove the key", "Grafana ignores version; later versions skip changes because of it")
		}
	}
}

func (p *validation) checkDatasourceName(e *dsEntry) {
	at := e.at
	if e.name.Node != nil {
		at = e.file.at(e.name.Node)
	}
	switch {
	case !e.name.Known:
	case e.name.Text == "":
		p.errorf(at, ruleDSName, "write a name", "a data source needs a name: Grafana fails partway, and earlier entries stay applied")
	case len(e.name.Text) > maxNameBytes && p.version.AtLeast(v11):
		p.errorf(at, ruleDSNameLong, "", "the name has %d bytes, at most %d are allowed: Grafana fails partway, and earlier entries stay applied", len(e.name.Text), maxNameBytes)
	case len(e.name.Text) > maxNameBytes:
		p.warnf(at, ruleDSNameLong, "", "the name has more than %d bytes: Grafana 11 and later refuse it, and so do databases other than SQLite", maxNameBytes)
	case strings.TrimSpace(e.name.Text) != e.name.Text:
		p.warnf(at, ruleDSNameSpace, "", "the name begins or ends with a space, which is part of the name")
	}
}

func (p *validation) checkDatasourceUID(e *dsEntry) {
	if !e.uid.Known || uidFits(e.uid.Text) {
		return
	}
	const why = "a uid has letters, digits, - and _, at most 40"
	if p.version.AtLeast(v12) {
		p.errorf(e.file.at(e.uid.Node), ruleDSUID, "", "%s: Grafana fails partway, and earlier entries stay applied", why)
		return
	}
	p.warnf(e.file.at(e.uid.Node), ruleDSUID, "", "%s: Grafana 12 and later refuse it", why)
}

func (p *validation) checkDatasourceURL(e *dsEntry) {
	if !e.url.Known || e.url.Text == "" {
		return
	}
	at := e.file.at(e.url.Node)
	if len(e.url.Text) > maxURLBytes {
		if p.version.AtLeast(v11) {
			p.errorf(at, ruleDSURLLong, "", "the url has more than %d bytes: Grafana fails partway, and earlier entries stay applied", maxURLBytes)
		} else {
			p.warnf(at, ruleDSURLLong, "", "the url has more than %d bytes: Grafana 11 and later refuse it", maxURLBytes)
		}
		return
	}
	if !e.typ.Known || !httpTypes[strings.ToLower(e.typ.Text)] {
		return
	}
	u, err := url.Parse(e.url.Text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		p.warnf(at, ruleDSURL, "write it like http://prometheus:9090", "this is not an http or https URL: Grafana stores it as it is, and queries fail")
	}
}

func (p *validation) checkDatasourceType(e *dsEntry) {
	if !e.typ.Known {
		return
	}
	at := e.at
	if e.typ.Node != nil {
		at = e.file.at(e.typ.Node)
	}
	if e.typ.Text == "" {
		p.warnf(at, ruleDSType, "write the type, such as prometheus", "a data source without a type is stored but does not work")
		return
	}
	installed, known := p.live.hasPlugin(e.typ.Text)
	if installed {
		return
	}
	near := nearestType(e.typ.Text)
	switch {
	case slices.Contains(coreTypes, e.typ.Text):
	case near != "":
		p.warnf(at, ruleDSType, "did you mean "+near+"?", "Grafana has no built-in data source of this type: it is stored but does not work without its plugin")
	case !known && slices.Contains(pluginTypes, e.typ.Text):
		p.warnf(at, ruleDSType, "install the plugin", "this type needs a plugin that does not come with Grafana; without it the data source is stored but does not work")
	case known:
		p.warnf(at, ruleDSType, "install the plugin", "this Grafana has no plugin of this type: the data source is stored but does not work")
	}
}
