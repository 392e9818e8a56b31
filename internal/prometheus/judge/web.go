package judge

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/internal/webconfig"
	"reloader/internal/yamlnode"
)

// webConfig is the file of --web.config.file, as exporter-toolkit 0.20 reads it: Prometheus does so again for each request, answers
// 500 to all of them when it cannot, and does not start. The package itself would bring a web server into this program.
type webConfig struct {
	TLS   webTLS                         `yaml:"tls_server_config"`
	HTTP  webHTTP                        `yaml:"http_server_config"`
	Rate  webRate                        `yaml:"rate_limit"`
	Users map[string]commonconfig.Secret `yaml:"basic_auth_users"`
}

type webTLS struct {
	Cert         string              `yaml:"cert"`
	Key          commonconfig.Secret `yaml:"key"`
	ClientCA     string              `yaml:"client_ca"`
	CertFile     string              `yaml:"cert_file"`
	KeyFile      string              `yaml:"key_file"`
	ClientAuth   string              `yaml:"client_auth_type"`
	ClientCAFile string              `yaml:"client_ca_file"`
	Ciphers      []string            `yaml:"cipher_suites"`
	Curves       []string            `yaml:"curve_preferences"`
	Min          string              `yaml:"min_version"`
	Max          string              `yaml:"max_version"`
	Prefer       bool                `yaml:"prefer_server_cipher_suites"`
	SANs         []string            `yaml:"client_allowed_sans"`
}

type webHTTP struct {
	HTTP2   bool              `yaml:"http2"`
	Headers map[string]string `yaml:"headers,omitempty"`
}

type webRate struct {
	Burst    int           `yaml:"burst"`
	Interval time.Duration `yaml:"interval"`
}

// webKeys are the keys at the top of such a file. With rate_limit alone it could be another one.
var webKeys = []string{"tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"}

// webHeaders are the headers that it may set, with the values that they may have; none means any.
var webHeaders = map[string][]string{
	"Strict-Transport-Security": nil, "X-Content-Type-Options": {"nosniff"}, "X-Frame-Options": {"deny", "sameorigin"},
	"X-XSS-Protection": nil, "Content-Security-Policy": nil,
}

// web judges the web configuration: the file that the server says it has, or else what looks like one.
func (j *judge) web() {
	for i, f := range j.q.Files {
		if f.Size == validator.Known || i == j.q.Main || j.q.Web == finding.NoFile {
			continue
		}
		if named, _ := j.throughLink(path.Clean(j.q.Web)); j.q.Web != "" && path.Clean(f.Path) != named {
			continue
		}
		if j.q.Web == "" && (j.matched[i] || !slices.ContainsFunc(webKeys, func(k string) bool { return strings.Contains(string(f.Content), k) })) {
			continue
		}
		ix, err := parse(f.Content)
		switch {
		case err != nil && j.q.Web != "":
			j.broken(i, f.Content, err, configNames)
		case err == nil && (j.q.Web != "" || looksLikeWeb(ix)):
			j.rereads[i] = true
			j.webFile(i, ix)
		}
	}
}

func looksLikeWeb(ix *index) bool {
	known := false
	for key := range yamlnode.Pairs(ix.root) {
		if !slices.Contains(webKeys, key.Value) {
			return false
		}
		known = known || key.Value != "rate_limit"
	}
	return known
}

func (j *judge) webFile(file int, ix *index) {
	c := webConfig{HTTP: webHTTP{HTTP2: true}}
	if err := yaml2.UnmarshalStrict(j.q.Files[file].Content, &c); err != nil {
		ps := tolerate(problems(err, configNames), j.server)
		for i := range ps {
			ps[i].rule, ps[i].hint = validator.RuleWebConfig, cmp.Or(ps[i].hint, "without a valid file of --web.config.file the server answers no request, and does not start")
		}
		j.reportAll(file, ix, ps)
		return
	}
	say := func(severity finding.Severity, key, message string) {
		p := problem{severity: severity, rule: validator.RuleWebConfig, message: message + ": the server answers no request, and does not start", needles: []string{key}}
		ix.locate(&p)
		p.line, p.column = max(p.line, 1), max(p.column, 1)
		j.report(file, p) // none of it is a value
	}
	for _, hash := range c.Users {
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			say(finding.Error, "basic_auth_users", "a password is not a bcrypt hash, as htpasswd -nB prints it")
			break
		}
	}
	unknown := finding.Error // names that this version does not know
	if newer(j.server) {
		unknown = finding.Warning
	}
	for name, value := range c.HTTP.Headers {
		values, known := webHeaders[name]
		switch {
		case !known:
			say(unknown, name, fmt.Sprintf("the header %q cannot be set", name))
		case len(values) > 0 && !slices.Contains(values, value):
			say(finding.Error, name, fmt.Sprintf("the header %s must be %s", name, strings.Join(values, " or ")))
		}
	}
	j.webTLS(file, ix, &c, unknown, say)
}

var (
	webCurves = []string{"CurveP256", "CurveP384", "CurveP521", "X25519"}
	// http2Ciphers are those of which HTTP/2 needs one, unless only TLS 1.3 is spoken.
	http2Ciphers = []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}
)

// clientAuthTypes are the names for client_auth_type, the weakest first.
func clientAuthTypes() []string {
	types := webconfig.ClientAuthTypes
	names := slices.DeleteFunc(slices.Collect(maps.Keys(types)), func(name string) bool { return name == "" })
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(types[a], types[b]), cmp.Compare(a, b)) })
	return names
}

func (j *judge) webTLS(file int, ix *index, c *webConfig, unknown finding.Severity, say func(severity finding.Severity, key, message string)) {
	t := &c.TLS
	for _, name := range t.Ciphers {
		is := func(s *tls.CipherSuite) bool { return s.Name == name }
		if !slices.ContainsFunc(tls.CipherSuites(), is) {
			severity := unknown
			if older(j.server) && slices.ContainsFunc(tls.InsecureCipherSuites(), is) {
				severity = finding.Warning // it was built when Go still called more of them secure
			}
			say(severity, "cipher_suites", fmt.Sprintf("%q is not a cipher suite, or not a secure one", name))
		}
	}
	for _, name := range t.Curves {
		if !slices.Contains(webCurves, name) {
			say(unknown, "curve_preferences", fmt.Sprintf("%q is not one of %s", name, strings.Join(webCurves, ", ")))
		}
	}
	for key, name := range map[string]string{"min_version": t.Min, "max_version": t.Max} {
		if _, known := webconfig.Versions[name]; !known {
			say(unknown, key, fmt.Sprintf("%q is not one of TLS10, TLS11, TLS12, TLS13", name))
		}
	}
	if t.CertFile+t.Cert+t.KeyFile+string(t.Key)+t.ClientCAFile+t.ClientCA+t.ClientAuth == "" {
		return // no TLS
	}
	if c.HTTP.HTTP2 && len(t.Ciphers) > 0 && webconfig.Versions[t.Min] < tls.VersionTLS13 && !slices.ContainsFunc(t.Ciphers, func(s string) bool { return slices.Contains(http2Ciphers, s) }) {
		say(finding.Error, "cipher_suites", "HTTP/2 needs "+strings.Join(http2Ciphers, " or "))
	}
	auth, known := webconfig.ClientAuthTypes[t.ClientAuth]
	switch {
	case !known:
		say(unknown, "client_auth_type", "the type is not one of "+strings.Join(clientAuthTypes(), ", "))
	case t.ClientCAFile+t.ClientCA != "" && auth == tls.NoClientCert:
		say(finding.Error, "tls_server_config", "client_ca or client_ca_file without client_auth_type")
	}
	cert, err := j.webPEM(file, ix, "cert", t.Cert, t.CertFile)
	key, err2 := j.webPEM(file, ix, "key", string(t.Key), t.KeyFile)
	switch {
	case err != nil && err2 != nil:
		say(finding.Error, "tls_server_config", err.Error()+", and so is "+strings.TrimSuffix(err2.Error(), " is missing"))
	case err != nil, err2 != nil:
		say(finding.Error, "tls_server_config", cmp.Or(err, err2).Error())
	case cert != nil && key != nil:
		if _, err := tls.X509KeyPair(cert, key); err != nil { // its words may quote nothing of a key
			say(finding.Error, "tls_server_config", "the certificate and the key do not match, or one of them is damaged")
		}
	}
	if t.ClientCAFile != "" {
		_, _ = j.webPEM(file, ix, "client_ca", "", t.ClientCAFile)
	}
}

// webPEM are the contents of a certificate or key; nil when reloader does not see it, which is a warning.
func (j *judge) webPEM(file int, ix *index, key, inline, name string) ([]byte, error) {
	switch {
	case name == "" && inline == "":
		return nil, fmt.Errorf("%s or %s_file is missing", key, key)
	case name == "":
		return []byte(inline), nil
	}
	p, _ := j.throughLink(join(path.Dir(j.q.Files[file].Path), name))
	i, ok := j.paths[p]
	switch {
	case !ok:
		n := &yaml.Node{Line: 1, Column: 1}
		if v := yamlnode.Resolve(child(yamlnode.Resolve(child(ix.root, "tls_server_config")), key+"_file")); v != nil {
			n = v
		}
		j.absent(file, n, p, "without it the server answers no request, and does not start")
		return nil, nil
	case j.q.Files[i].Size == validator.Known:
		return nil, nil
	}
	if !j.matched[i] {
		j.rereads[i] = true
	}
	return j.q.Files[i].Content, nil
}
