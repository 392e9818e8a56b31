package main

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strings"

	"reloader/internal/httpclient"
)

// all returns one remote for each address of a headless Service's name, and the remote itself for any other name.
// If the name does not resolve, it also returns the remote itself: its request will report that.
func (r *remote) all(ctx context.Context) []*remote {
	u, err := url.Parse(r.base)
	if err != nil || u.Hostname() == "localhost" || net.ParseIP(u.Hostname()) != nil {
		return []*remote{r}
	}
	addrs, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if v4 := slices.DeleteFunc(slices.Clone(addrs), func(a string) bool { return strings.Contains(a, ":") }); len(v4) > 0 {
		addrs = v4 // the IPv6 addresses belong to the same pods
	}
	if err != nil || len(addrs) < 2 {
		return []*remote{r}
	}
	return r.at(addrs, u)
}

// at returns a remote for each address, all with the same host name.
func (r *remote) at(addrs []string, u *url.URL) []*remote {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	var out []*remote
	for _, addr := range addrs {
		o := r.o
		o.Address = net.JoinHostPort(addr, port)
		if c, err := httpclient.New(o); err == nil { // it worked for r, so it works here
			out = append(out, &remote{name: o.Address, base: r.base, o: o, c: c})
		}
	}
	return out
}
