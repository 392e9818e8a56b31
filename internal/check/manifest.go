package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"reloader/internal/check/manifests"
	"reloader/internal/finding"
	"reloader/internal/inputs"
	"reloader/internal/manifest"
	prometheusvalidator "reloader/internal/prometheus/validator"
	"reloader/internal/snapshot"
)

// checkManifests judges manifests together, as one kubectl apply would see them.
func checkManifests(ctx context.Context, o Options, files []Input) Result {
	in := &manifest.Input{}
	var names []string
	texts := map[string][]byte{}
	for _, f := range files {
		names = append(names, f.Path)
		src := f.Contents
		if src == nil {
			var err error
			if src, err = readBounded(f.Path); err != nil {
				return Result{Name: f.Path, Err: err}
			}
		}
		in.Add(f.Path, src)
		texts[f.Path] = src
	}
	addGenerated(in)
	c := Result{Name: names[0]}
	if len(names) > 1 {
		c.Name = fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	res := Manifest(ctx, o, in)
	c.Findings, c.Ignored = finding.WithoutIgnored(res.Findings, inputs.Ignored(o.Ignore), texts)
	c.Findings, c.Judged = finding.Bound(c.Findings), res.Judged
	c.Err = errors.Join(res.Unjudged...)
	if len(res.Judged) == 0 && c.Err == nil && !finding.HasErrors(res.Findings) && !o.SkipUnknown {
		c.Err = fmt.Errorf("%s: no files of Prometheus or Grafana in it", c.Name)
	}
	return c
}

// Manifest judges a manifest that has been read.
func Manifest(ctx context.Context, o Options, in *manifest.Input) manifests.Result {
	return manifests.Check(ctx, manifests.Options{
		Promcheck: o.Config.Promcheck, External: o.Validator, Prometheus: o.Prometheus, Grafana: o.Grafana, Allow: o.Allow,
		Kind: valueKind, Alone: o.aloneInManifest,
	}, in)
}

// readBounded reads a regular file that is not too large to be a manifest.
func readBounded(name string) ([]byte, error) {
	return snapshot.ReadFile(name, snapshot.Limits{MaxFileSize: manifest.MaxSize})
}

// valueKind is the kind of a file in a ConfigMap; empty when it is unknown.
func valueKind(name string, content []byte) string {
	if strings.ToLower(path.Ext(name)) == ".json" && !looksLikeDashboard(content) {
		return ""
	}
	found, err := classify(Input{Path: name}, func() ([]byte, error) { return content, nil })
	if err != nil {
		return ""
	}
	if found.Kind == KindIni && !strings.Contains(name, "grafana") && !bytes.Contains(content, []byte("[server]")) && !bytes.Contains(content, []byte("[auth")) {
		return ""
	}
	for kind, f := range valueKinds {
		if f.Kind == found.Kind && f.Role == found.Role {
			return kind
		}
	}
	return ""
}

// valueKinds are the kinds of files in manifests.
var valueKinds = map[string]Input{
	manifests.KindPrometheus:  {Kind: KindPrometheus},
	manifests.KindRules:       {Kind: KindRules},
	manifests.KindIni:         {Kind: KindIni},
	manifests.KindDashboard:   {Kind: KindDashboard, Role: "dashboards"},
	manifests.KindDatasources: {Kind: KindGrafanaFile, Role: "datasources"},
	manifests.KindProviders:   {Kind: KindGrafanaFile, Role: "dashboards"},
	manifests.KindAlerting:    {Kind: KindGrafanaFile, Role: "alerting"},
	manifests.KindPlugins:     {Kind: KindGrafanaFile, Role: "plugins"},
}

// looksLikeDashboard reports whether JSON, which may be broken, is a dashboard.
func looksLikeDashboard(content []byte) bool {
	for _, key := range []string{`"panels"`, `"schemaVersion"`, `"dashboard"`, `"templating"`} {
		if bytes.Contains(content, []byte(key)) {
			return true
		}
	}
	var top struct {
		UID, Title string
	}
	return json.Unmarshal(content, &top) == nil && top.UID != "" && top.Title != ""
}

// aloneInManifest judges keys of an object as the files of one directory. It drops findings about missing files, because the files
// that they name are elsewhere.
func (o Options) aloneInManifest(ctx context.Context, kind string, files map[string][]byte) ([]finding.Finding, error) {
	in := valueKinds[kind]
	list, _, err := alone{Options: o, dir: "/manifest", kind: in.Kind, role: in.Role, all: true}.judge(ctx, files)
	var all []finding.Finding
	for _, f := range list {
		if f.Rule != prometheusvalidator.RuleMissingFile && f.Rule != "dashboards-not-in-view" {
			f.File = filepath.Base(f.File)
			all = append(all, f)
		}
	}
	return all, err
}
