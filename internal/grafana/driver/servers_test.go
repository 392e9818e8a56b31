package driver

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/grafanatest"
	"reloader/internal/grafana/validation"
	"reloader/internal/grafana/validator"
	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// server is the Grafana of a contract test: the fake or a real one.
type server struct {
	url          string
	password     string
	provisioning string // empty before each contract
	restart      func(t *testing.T)
}

// servers runs a contract test with the fake and, if RELOADER_TEST_GRAFANA_BINARY and RELOADER_TEST_GRAFANA_HOME name a
// program and its home, with a real Grafana.
func servers(t *testing.T, contract func(t *testing.T, s server)) {
	t.Run("fake", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		g := grafanatest.New(grafanatest.Options{Provisioning: dir, Plugins: []string{"acme-app"}, Organizations: []int64{1, 2}})
		t.Cleanup(g.Close)
		contract(t, server{url: g.URL, password: "admin", provisioning: dir, restart: func(t *testing.T) {
			if err := g.Restart(); err != nil {
				t.Fatal(err)
			}
		}})
	})
	t.Run("real", func(t *testing.T) {
		g := grafanatest.StartReal(t, t.TempDir())
		contract(t, server{url: g.URL, password: "admin", provisioning: g.Provisioning, restart: g.Restart})
	})
}

// write writes a file below the provisioning directory, or removes it if content is empty.
func (s server) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(s.provisioning, name)
	if content == "" {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	content = strings.ReplaceAll(content, "@DIR@", s.provisioning)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read reads these directories, as a target's reader does: each is a source of its own.
func (s server) read(t *testing.T, kinds ...string) *snapshot.Set {
	t.Helper()
	var snaps []*snapshot.Snapshot
	for _, kind := range kinds {
		dir, name := filepath.Join(s.provisioning, kind), kind
		if kind == "grafana.ini" {
			dir, name = s.provisioning, grafana.Ini
		}
		src := snapshot.Source{Name: name, Dir: dir}
		if name == grafana.Ini {
			src.Include = []string{kind}
		}
		snap, err := snapshot.Take(t.Context(), src, snapshot.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		snaps = append(snaps, snap)
	}
	return snapshot.NewSet(snaps...)
}

// rig is a driver for a server.
type rig struct {
	*Driver
	// ahead is how far the driver's clock is ahead of this machine's, and so of the fake's. It goes on as that does.
	ahead time.Duration

	passwordFile string
}

func (r *rig) setPassword(t *testing.T, password string) {
	t.Helper()
	if err := os.WriteFile(r.passwordFile, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newRig(t *testing.T, base, password string, more func(*Options)) *rig {
	t.Helper()
	return newRigAs(t, base, "admin", password, more)
}

// newRigAs makes a driver that signs in as a user, or without credentials if the name is empty.
func newRigAs(t *testing.T, base, user, password string, more func(*Options)) *rig {
	t.Helper()
	r := &rig{passwordFile: filepath.Join(t.TempDir(), "password")}
	r.setPassword(t, password)
	c, err := httpclient.New(httpclient.Options{URL: base, Username: user, PasswordFile: r.passwordFile})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	o := Options{
		Client:    c,
		Validator: Expecting(validator.New(validation.Options{})),
		Logger:    slog.New(slog.DiscardHandler),
		Clock:     func() time.Time { return time.Now().Add(r.ahead) },
	}
	if more != nil {
		more(&o)
	}
	r.Driver = New(o)
	return r
}

// apply does what a target does with new files: it observes the server, plans, reloads and confirms.
func (r *rig) apply(ctx context.Context, old, set *snapshot.Set) (reload.Plan, reload.Verdict, error) {
	seen, err := r.Observe(ctx)
	if err != nil {
		return reload.Plan{}, reload.Verdict{}, err
	}
	c := reload.Change{Old: old, New: set, Contents: true, Server: seen}
	if old != nil {
		c.Files = snapshot.Diff(old, set)
	}
	p, err := r.Plan(ctx, c)
	if err != nil {
		return p, reload.Verdict{}, err
	}
	if finding.HasErrors(p.Findings) {
		return p, reload.Verdict{}, nil
	}
	if len(p.Calls) > 0 {
		if err := r.Reload(ctx, p); err != nil {
			return p, reload.Verdict{}, err
		}
	}
	v, err := r.Confirm(ctx, p, reload.Proof{Reloaded: len(p.Calls) > 0, Before: seen})
	return p, v, err
}

const oneDatasource = `apiVersion: 1
datasources:
  - name: Prometheus
    uid: prom
    type: prometheus
    access: proxy
    url: http://127.0.0.1:9090
    jsonData:
      timeInterval: 15s
      tries: 3
`

const provider = `apiVersion: 1
providers:
  - name: one
    type: file
    updateIntervalSeconds: 3600
    options:
      path: @DIR@/json
`

const contactPoint = `apiVersion: 1
contactPoints:
  - name: Hook
    receivers:
      - uid: hook
        type: webhook
        settings:
          url: http://127.0.0.1:1/
`
