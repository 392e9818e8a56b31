package alerting

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"

	"reloader/internal/grafana/validation"
)

// httpConfig judges OAuth2, which needs three settings.
func (s *settingsCheck) httpConfig() {
	v := get(s.values, "http_config")
	has := slices.Contains(httpConfigTypes, s.typ.name)
	if v == nil || !has && s.a.p.Version.Before(validation.V124) {
		return
	}
	if !has {
		s.a.p.Warnf(s.at("http_config"), ruleCPSettings, "", "the type %s has no setting 'http_config': Grafana checks it and ignores it", s.typ.name)
	}
	if s.a.p.Version.Before(validation.V121) {
		s.a.p.Warnf(s.at("http_config"), ruleCPSettings, "", "'http_config' needs Grafana 12.1 or later: this version ignores it")
		return
	}
	config, _ := v.(map[string]any)
	oauth, isMap := get(config, "oauth2").(map[string]any)
	if !isMap {
		return
	}
	var missing []string
	for _, key := range []string{"client_id", "client_secret", "token_url"} {
		if v := get(oauth, key); v == nil || v == "" {
			missing = append(missing, "'"+key+"'")
		}
	}
	if len(missing) == 0 {
		s.oauthTLS(oauth)
		return
	}
	at := keyAt(s.a.f, s.a.d, valueOf(s.a.d, s.node, "http_config"), "oauth2")
	hint, names := "write it, or remove oauth2", strings.Join(missing, " and ")
	if s.a.p.Version.Before(validation.V124) && s.typ.name != "webhook" {
		s.a.p.Warnf(at, ruleCPRequired, hint, "oauth2 needs %s: Grafana 12.4 refuses all alerting files", names)
		return
	}
	s.bad = true
	s.a.p.Errorf(at, ruleCPRequired, hint, "oauth2 needs %s: Grafana refuses all alerting files", names)
}

// oauthTLS judges the certificates for OAuth2, which Grafana 12.4 loads when it reads the file.
func (s *settingsCheck) oauthTLS(oauth map[string]any) {
	config, _ := get(oauth, "tls_config").(map[string]any)
	if s.a.p.Version.Before(validation.V124) {
		return
	}
	texts := map[string]string{}
	for _, key := range []string{"caCertificate", "clientCertificate", "clientKey"} {
		v := get(config, key)
		t, ok := v.(string)
		if v != nil && !ok {
			return // from a variable, or reported
		}
		texts[key] = t
	}
	wrong := ""
	ca, cert, key := texts["caCertificate"], texts["clientCertificate"], texts["clientKey"]
	if ca != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(ca)) {
		wrong = "'caCertificate' of oauth2 has no certificate in PEM form"
	} else if cert != "" || key != "" {
		if _, err := tls.X509KeyPair([]byte(cert), []byte(key)); err != nil {
			wrong = "'clientCertificate' and 'clientKey' of oauth2 are no pair of a certificate and its key in PEM form"
		}
	}
	if wrong != "" {
		s.errorf(ruleCPValue, "http_config", "", "%s", wrong)
	}
}
