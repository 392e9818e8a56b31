package status

import (
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
)

// Guard refuses requests that only someone else's web page would send. There is usually no password on this
// port, and a web page can make the browser of someone with an open port-forward send requests to it.
//
// It refuses requests from pages of other sites, and requests with a host name that anyone could own: if
// evil.example resolves to this port's address, a browser treats its page as the same site.
// hosts are further names to accept. Metrics and probes show only numbers and health. They accept
// any name, so that no scrape and no probe fails because of how it reaches the pod.
func Guard(next http.Handler, hosts ...string) http.Handler {
	var names []string
	if own, err := os.Hostname(); err == nil {
		names = append(names, strings.ToLower(own))
	}
	for _, h := range hosts {
		names = append(names, strings.ToLower(h))
	}
	free := append([]string{"/metrics"}, ProbePaths...)
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(free, r.URL.Path) && !allowed(r.Host, names) {
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

// allowed reports whether to accept a Host header. Addresses are accepted: no name was resolved. So are the given
// names, and names that no stranger can own: localhost, names without a dot, and names of Services.
func allowed(host string, names []string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "" || net.ParseIP(strings.Trim(host, "[]")) != nil || !strings.Contains(host, ".") || slices.Contains(names, host) {
		return true
	}
	return slices.ContainsFunc([]string{".localhost", ".svc", ".svc.cluster.local"}, func(end string) bool { return strings.HasSuffix(host, end) })
}
