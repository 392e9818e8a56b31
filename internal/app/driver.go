package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/internal/generic"
	grafanadriver "reloader/internal/grafana/driver"
	"reloader/internal/httpclient"
	"reloader/internal/inputs"
	"reloader/internal/process"
	prometheusdriver "reloader/internal/prometheus/driver"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// serverURL returns the server's base URL. Other reloaders' settings contain the path of Prometheus' reload endpoint.
func serverURL(t config.Target) string {
	if t.Kind != config.Prometheus {
		return t.URL
	}
	return strings.TrimSuffix(strings.TrimRight(t.URL, "/"), "/-/reload")
}

// newDriver makes the driver for a target's server.
func newDriver(cfg config.Config, t config.Target, v finding.Validator, log *slog.Logger) (reload.Driver, error) {
	c := httpclient.Options{
		URL: serverURL(t), Username: t.Username, PasswordFile: t.PasswordFile, Password: t.Password.Reveal(), BearerTokenFile: t.BearerTokenFile,
		CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName,
	}
	switch t.Kind {
	case config.Prometheus:
		return newPrometheusDriver(cfg, t, c)
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

func newPrometheusDriver(cfg config.Config, t config.Target, c httpclient.Options) (reload.Driver, error) {
	o := prometheusdriver.Options{
		Client: c, Process: t.ProcessName, Timeout: t.ReloadTimeout, ConfigFile: inputs.ServerConfigFile(t), UserFile: t.ConfigFile.Path,
	}
	if t.Validator == "" {
		o.Comparer = inputs.NewComparer(cfg, t)
	}
	if t.Method == config.MethodSignal {
		o.Method = prometheusdriver.Signal
	}
	return prometheusdriver.New(o)
}

// newGrafanaDriver makes a driver that judges the files again with what it learns from the live server.
func newGrafanaDriver(t config.Target, c httpclient.Options, v finding.Validator, log *slog.Logger) (reload.Driver, error) {
	connection, err := httpclient.New(c)
	if err != nil {
		return nil, err
	}
	o := grafanaOptions(t)
	o.Client, o.Validator, o.Logger = connection, v, log
	return grafanadriver.New(o), nil
}

// grafanaOptions translates the settings of a target.
func grafanaOptions(t config.Target) grafanadriver.Options {
	o := grafanadriver.Options{
		Allow: t.Allow, SameEnv: t.SameEnv, Timeout: t.ReloadTimeout,
	}
	if t.Restart == config.RestartTerminate {
		o.Restarter = grafanaProcess(t.ProcessName)
		o.ProcessStart = grafanaProcess(t.ProcessName).started
	}
	if t.Ini.Path != "" {
		o.IniTimes = func() grafanadriver.IniTimes { return iniTimes(t) }
	}
	return o
}

// iniTimes returns since when Grafana could have read the current grafana.ini; zero when it is not known.
func iniTimes(t config.Target) grafanadriver.IniTimes {
	file, gated := t.Ini.Path, false
	if t.Gate.Path != "" {
		rel, err := filepath.Rel(inputs.ServerDir(t.Gate), inputs.ServerDir(t.Ini))
		if gated = err == nil && filepath.IsLocal(rel); gated {
			file = filepath.Join(t.Gate.Path, rel)
		}
	}
	placed, err := snapshot.ChangedAt(file)
	if err != nil {
		return grafanadriver.IniTimes{}
	}
	written := placed
	if gated {
		// The gate links a file that did not change into each new generation. No one but reloader writes there.
		info, err := os.Stat(file)
		if err != nil {
			return grafanadriver.IniTimes{}
		}
		written = info.ModTime()
	}
	return grafanadriver.IniTimes{Written: written, Placed: placed}
}

// grafanaProcess is the one process of that name.
type grafanaProcess string

// Terminate sends SIGTERM: Grafana then shuts down cleanly with exit code 0.
func (name grafanaProcess) Terminate(context.Context) error {
	p, err := process.Find(string(name))
	if err != nil {
		return err
	}
	return p.Signal(syscall.SIGTERM)
}

// started returns when the process started.
func (name grafanaProcess) started() (time.Time, error) {
	p, err := process.Find(string(name))
	if err != nil {
		return time.Time{}, err
	}
	return p.Started()
}
