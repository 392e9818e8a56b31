// Command standin serves the part of Grafana's API that reloader uses, if no real Grafana is
// available. Like the real one, it reads the provisioning directory and grafana.ini that the image's
// environment names, requires the administrator's password, and does not start with a broken file.
package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"gopkg.in/ini.v1"

	"reloader/internal/grafana/grafanatest"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1)
	}
}

func serve() error {
	settings, err := readIni(env("GF_PATHS_CONFIG", "/etc/grafana/grafana.ini"))
	if err != nil {
		return err
	}
	s := grafanatest.New(grafanatest.Options{
		Provisioning: env("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"),
		Ini:          settings,
		User:         env("GF_SECURITY_ADMIN_USER", "admin"),
		Password:     env("GF_SECURITY_ADMIN_PASSWORD", "admin"),
	})
	defer s.Close()
	if err := s.Restart(); err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	target, err := url.Parse(s.URL)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "stand-in of Grafana") })
	mux.Handle("/", httputil.NewSingleHostReverseProxy(target))
	fmt.Println("standin: serves a part of Grafana's API on :3000")
	return (&http.Server{Addr: ":3000", Handler: mux, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
}

func env(name, def string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return def
}

// readIni is what /api/admin/settings reports. A missing file is an error, because the image has a grafana.ini.
func readIni(file string) (map[string]map[string]string, error) {
	f, err := ini.Load(file)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	out := map[string]map[string]string{}
	for _, s := range f.Sections() {
		out[s.Name()] = s.KeysHash()
	}
	return out, nil
}
