package app

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"path/filepath"
	"syscall"

	"reloader/internal/config"
	"reloader/internal/reload"
	"reloader/internal/reload/client"
	"reloader/internal/reload/generic"
	grafanadriver "reloader/internal/reload/grafana"
	"reloader/internal/reload/process"
	"reloader/internal/reload/promdriver"
	"reloader/internal/snapshot"
	"reloader/internal/sources"
	"reloader/internal/validate"
)

// newDriver makes what speaks to a target's server.
func newDriver(t config.Target, r reader, v validate.Validator, log *slog.Logger) (reload.Driver, error) {
	c := client.Options{
		URL: t.URL, Username: t.Username, PasswordFile: t.PasswordFile, Password: t.Password.Reveal(), BearerTokenFile: t.BearerTokenFile,
		CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName,
	}
	switch t.Kind {
	case config.Prometheus:
		return newPrometheusDriver(t, r, c)
	case config.Grafana:
		return newGrafanaDriver(t, c, v, log)
	case config.HTTP:
		return generic.NewHTTP(c, t.ReloadTimeout)
	case config.Signal:
		return generic.NewSignal(t.ProcessName), nil
	default:
		return nil, fmt.Errorf("kind %q has no driver", t.Kind)
	}
}

func newPrometheusDriver(t config.Target, r reader, c client.Options) (reload.Driver, error) {
	o := promdriver.Options{
		Client: c, Process: t.ProcessName, Timeout: t.ReloadTimeout, ConfigFile: serverConfigFile(t),
	}
	if t.Method == config.MethodSignal {
		o.Method = promdriver.Signal
	}
	if roles, ok := r.(*sources.PrometheusReader); ok {
		o.Relevant = relevant(roles)
	}
	if t.Gate.Path != "" {
		o.Dirs = []string{t.Gate.Path}
	}
	return promdriver.New(o)
}

// newGrafanaDriver makes a driver that judges the files again with what the live server has.
func newGrafanaDriver(t config.Target, c client.Options, v validate.Validator, log *slog.Logger) (reload.Driver, error) {
	connection, err := client.New(c)
	if err != nil {
		return nil, err
	}
	o := grafanadriver.Options{
		Client: connection, Validator: v, Allow: t.Allow, SameEnv: t.SameEnv, Timeout: t.ReloadTimeout, Logger: log,
	}
	if t.Restart == config.RestartTerminate {
		o.Restarter = terminator(t.ProcessName)
	}
	return grafanadriver.New(o), nil
}

// terminator ends the one process of that name.
type terminator string

// Terminate sends SIGTERM, upon which Grafana ends in order with exit code 0.
func (name terminator) Terminate(context.Context) error {
	p, err := process.Find(string(name))
	if err != nil {
		return err
	}
	return p.Signal(syscall.SIGTERM)
}

// serverConfigFile is Prometheus' main file as the server sees it.
func serverConfigFile(t config.Target) string {
	if gate := serverDir(t.Gate); gate != "" {
		return path.Join(gate, filepath.Base(t.ConfigFile.Path))
	}
	return serverDir(t.ConfigFile)
}

// relevant says whether Prometheus reads one of the changed files only when it is told to.
func relevant(roles *sources.PrometheusReader) func(*snapshot.Set, []snapshot.Change) bool {
	return func(set *snapshot.Set, files []snapshot.Change) bool {
		dirs := map[string]snapshot.Source{}
		for _, s := range set.Snapshots {
			dirs[s.Source.Name] = s.Source
		}
		for _, f := range files {
			src, known := dirs[f.Source]
			// The files of a source that is gone may have been rules.
			if !known || roles.Role(src.ServerPath(f.Name)).NeedsReload() {
				return true
			}
		}
		return false
	}
}
