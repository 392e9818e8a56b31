package inject

import (
	"net"
	"net/url"
	"path"
	"strings"

	"reloader/internal/grafana/ini"
	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// grafanaSettings finds the settings of a Grafana in its arguments, its variables and the grafana.ini of the manifest, in Grafana's
// order of precedence.
type grafanaSettings struct {
	pl   *plan
	c    manifest.Container
	file map[[2]string]string
}

func (pl *plan) settings(c manifest.Container, iniFile string) grafanaSettings {
	return grafanaSettings{pl, c, ini.Values(pl.content(c, iniFile))}
}

// get is the value of a setting, empty when it is not in the manifest, and where it is set.
func (s grafanaSettings) get(section, key string) (string, yamledit.Cursor) {
	for _, word := range s.c.Words {
		if v, ok := strings.CutPrefix(word, "cfg:"+section+"."+key+"="); ok {
			return s.pl.in.Expand(s.pl.w, s.c, v), s.c.Cursor
		}
	}
	if v, at, ok := s.pl.in.Variable(s.pl.w, s.c, "GF_"+strings.ToUpper(section+"_"+key)); ok && v != "" {
		return v, at
	}
	if v := s.file[[2]string{section, key}]; !strings.Contains(v, "$") {
		return v, s.c.Cursor
	}
	return "", s.c.Cursor
}

// tls reports whether Grafana serves TLS, and where that is set.
func (s grafanaSettings) tls() (bool, yamledit.Cursor) {
	protocol, at := s.get("server", "protocol")
	return protocol == "https" || protocol == "h2", at
}

// url is the URL of Grafana for the sidecar.
func (s grafanaSettings) url() string {
	scheme, host, prefix := "http", "127.0.0.1", ""
	if tls, _ := s.tls(); tls {
		scheme = "https"
	}
	if addr, _ := s.get("server", "http_addr"); addr != "" {
		if ip := net.ParseIP(addr); ip != nil && !ip.IsUnspecified() {
			host = addr
		}
	}
	port, _ := s.get("server", "http_port")
	if port == "" {
		port = s.c.Port("3000", "grafana", "http", "service", "https")
	}
	root, _ := s.get("server", "root_url")
	if u, err := url.Parse(root); err == nil && path.IsAbs(u.Path) {
		if sub, _ := s.get("server", "serve_from_sub_path"); sub == "true" {
			prefix = strings.TrimSuffix(u.Path, "/")
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port) + prefix
}
