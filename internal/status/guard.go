package status

import (
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
)

// Guard refuses what only someone else's web page would send. There is usually no password on this
// port, and the browser of someone who has a port-forward open can be made to ask it.
//
// It refuses requests of pages from other sites, and those by a name that could be anyone's: a page at
// evil.example whose name is made to resolve to this port's address counts as the same site for a browser.
// Hosts are further names that are accepted. Metrics and probes tell numbers and health, and are answered
// by any name, so that no scrape and no probe fails for the way in which it reaches the pod.
func Guard(next http.Handler, hosts ...string) http.Handler {
	g := guard{}
	for _, h := range hosts {
		g.hosts = append(g.hosts, strings.ToLower(h))
	}
	if own, err := os.Hostname(); err == nil {
		g.hosts = append(g.hosts, strings.ToLower(own))
	}
	free := append([]string{"/metrics"}, ProbePaths...)
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(free, r.URL.Path) && !g.allowed(r.Host) {
			text(w, http.StatusMisdirectedRequest, "host name not allowed: use an address, localhost or the Service's name, or allow it with --allowed-host")
			return
		}
		if err := cross.Check(r); err != nil {
			text(w, http.StatusForbidden, "refused: this came from a page of another site")
			return
		}
		next.ServeHTTP(w, r)
	})
}

type guard struct{ hosts []string }

// allowed says whether a Host header can be one of ours. Addresses are: no name was resolved. So are names
// that no stranger can own: localhost, names without a dot, and those of Services.
func (g guard) allowed(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "" || net.ParseIP(strings.Trim(host, "[]")) != nil || !strings.Contains(host, ".") || slices.Contains(g.hosts, host) {
		return true
	}
	for _, end := range []string{".localhost", ".svc", ".svc.cluster.local"} {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return false
}
