package validator

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"reloader/internal/grafana/validation"
)

var (
	ruleDSDefaultTwice = validation.NewLastingRule("datasource-default-twice")
	ruleDSName         = validation.NewLastingRule("datasource-name-missing")
	ruleDSNameLong     = validation.NewRule("datasource-name-long")
	ruleDSNameSpace    = validation.NewRule("datasource-name-space")
	ruleDSURL          = validation.NewRule("datasource-url")
	ruleDSURLLong      = validation.NewRule("datasource-url-long")
	ruleDSUID          = validation.NewRule("datasource-uid")
	ruleDSAccess       = validation.NewRule("datasource-access")
	ruleDSType         = validation.NewRule("datasource-type")
	ruleDSPassword     = validation.NewRule("datasource-password-ignored")
	ruleDSVersion      = validation.NewRule("datasource-version")
	ruleDSNoUser       = validation.NewRule("datasource-basic-auth-user")
)

const maxURLBytes = 255

// httpTypes speak HTTP and need a URL with a scheme.
var httpTypes = map[string]bool{
	"alertmanager": true, "elasticsearch": true, "graphite": true, "influxdb": true, "jaeger": true, "loki": true, "opentsdb": true,
	"parca": true, "prometheus": true, "tempo": true, "zipkin": true, "grafana-pyroscope-datasource": true,
}

// checkDefaults does what Grafana does with all files before it writes anything: it checks that organizations
// exist, and that each has at most one default.
func checkDefaults(p *validation.Pass, files []*dsFile) {
	first := map[int64]validation.Place{}
	for _, f := range files {
		for _, e := range f.entries {
			p.CheckOrg(e.orgAt, e.org)
			if !e.isDefault.Value || e.org == 0 {
				continue
			}
			if at, twice := first[e.org]; twice {
				p.Errorf(e.file.At(e.isDefault.Node), ruleDSDefaultTwice, "leave isDefault in one of them", "%s:%d already has the default of this organization: Grafana refuses all data source files", at.Path, at.Line)
				continue
			}
			first[e.org] = e.file.At(e.isDefault.Node)
		}
	}
}

// checkDatasource judges the fields of one entry.
func checkDatasource(p *validation.Pass, e *dsEntry) {
	checkDatasourceName(p, e)
	checkDatasourceUID(p, e)
	checkDatasourceURL(p, e)
	if e.access.Known && e.access.Text != "" && e.access.Text != "proxy" && e.access.Text != "direct" {
		p.Warnf(e.file.At(e.access.Node), ruleDSAccess, "write proxy or direct", "access must be proxy or direct: Grafana uses proxy")
	}
	checkDatasourceType(p, e)
	for _, key := range []string{"password", "basicAuthPassword"} {
		if e.node.Has(key) {
			p.Warnf(e.file.At(e.node.Key(key)), ruleDSPassword, "write it under secureJsonData", "Grafana ignores %s here", key)
		}
	}
	if e.basicAuth.Value && e.authUser.Empty() {
		p.Warnf(e.file.At(e.basicAuth.Node), ruleDSNoUser, "write basicAuthUser, and basicAuthPassword under secureJsonData", "basicAuth is on without basicAuthUser: a new data source logs in with an empty user name")
	}
	if e.version.Set {
		if p.Version.AtLeast(validation.V10) {
			p.Warnf(e.file.At(e.node.Key("version")), ruleDSVersion, "remove the key", "with a version, Grafana skips the next change of this data source silently until the number is raised")
		} else {
			p.Infof(e.file.At(e.node.Key("version")), ruleDSVersion, "remove the key", "Grafana ignores version; later versions skip changes because of it")
		}
	}
}

func checkDatasourceName(p *validation.Pass, e *dsEntry) {
	at := e.at
	if e.name.Node != nil {
		at = e.file.At(e.name.Node)
	}
	switch {
	case !e.name.Known:
	case e.name.Text == "":
		p.Errorf(at, ruleDSName, "write a name", "a data source needs a name: Grafana fails partway, and earlier entries stay applied")
	case len(e.name.Text) > validation.MaxNameBytes && p.Version.AtLeast(validation.V11):
		p.Errorf(at, ruleDSNameLong, "", "the name has %d bytes, at most %d are allowed: Grafana fails partway, and earlier entries stay applied", len(e.name.Text), validation.MaxNameBytes)
	case len(e.name.Text) > validation.MaxNameBytes:
		p.Warnf(at, ruleDSNameLong, "", "the name has more than %d bytes: Grafana 11 and later refuse it, and so do databases other than SQLite", validation.MaxNameBytes)
	case strings.TrimSpace(e.name.Text) != e.name.Text:
		p.Warnf(at, ruleDSNameSpace, "", "the name begins or ends with a space, which is part of the name")
	}
}

func checkDatasourceUID(p *validation.Pass, e *dsEntry) {
	if !e.uid.Known || validation.UidFits(e.uid.Text) {
		return
	}
	p.Since(validation.V12, e.file.At(e.uid.Node), ruleDSUID, "", "a uid has letters, digits, - and _, at most 40",
		"Grafana fails partway, and earlier entries stay applied", "Grafana 12 and later refuse it")
}

func checkDatasourceURL(p *validation.Pass, e *dsEntry) {
	if !e.url.Known || e.url.Text == "" {
		return
	}
	at := e.file.At(e.url.Node)
	if len(e.url.Text) > maxURLBytes {
		p.Since(validation.V11, at, ruleDSURLLong, "", fmt.Sprintf("the url has more than %d bytes", maxURLBytes),
			"Grafana fails partway, and earlier entries stay applied", "Grafana 11 and later refuse it")
		return
	}
	if !e.typ.Known || !httpTypes[strings.ToLower(e.typ.Text)] {
		return
	}
	u, err := url.Parse(e.url.Text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		p.Warnf(at, ruleDSURL, "write it like http://prometheus:9090", "this is not an http or https URL: Grafana stores it as it is, and queries fail")
	}
}

func checkDatasourceType(p *validation.Pass, e *dsEntry) {
	if !e.typ.Known {
		return
	}
	at := e.at
	if e.typ.Node != nil {
		at = e.file.At(e.typ.Node)
	}
	if e.typ.Text == "" {
		p.Warnf(at, ruleDSType, "write the type, such as prometheus", "a data source without a type is stored but does not work")
		return
	}
	installed, known := p.Live.HasPlugin(e.typ.Text)
	if installed {
		return
	}
	near := nearestType(e.typ.Text)
	switch {
	case slices.Contains(coreTypes, e.typ.Text):
	case near != "":
		p.Warnf(at, ruleDSType, "did you mean "+near+"?", "Grafana has no built-in data source of this type: it is stored but does not work without its plugin")
	case !known && slices.Contains(pluginTypes, e.typ.Text):
		p.Warnf(at, ruleDSType, "install the plugin", "this type needs a plugin that does not come with Grafana; without it the data source is stored but does not work")
	case known:
		p.Warnf(at, ruleDSType, "install the plugin", "this Grafana has no plugin of this type: the data source is stored but does not work")
	}
}
