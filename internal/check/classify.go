package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/lazyregexp"
	"reloader/internal/snapshot"
)

// FileKind is what is at a path given to `check`.
type FileKind string

// The kinds of files and directories that `check` knows.
const (
	KindPrometheus   FileKind = "prometheus configuration"
	KindRules        FileKind = "prometheus rules"
	KindProvisioning FileKind = "grafana provisioning directory"
	KindGrafanaFile  FileKind = "grafana provisioning file" // its Role says which kind
	KindDashboard    FileKind = "grafana dashboard"
	KindIni          FileKind = "grafana.ini"
	KindManifest     FileKind = "kubernetes manifest"
	KindOwn          FileKind = "reloader configuration"
)

// Input is one thing to check, found at a path.
type Input struct {
	Kind FileKind
	Path string
	// Role is the provisioning directory in which a single Grafana file belongs ("datasources").
	Role string
	// Contents are the contents of standard input; nil for a file.
	Contents []byte
}

// ErrUnknownKind means that neither the name nor the contents show what a file is.
var ErrUnknownKind = errors.New("cannot tell what kind of file it is")

// Classify finds out what is at a path. A file is recognized by name and contents. A directory is recognized by the names in it, or
// else each file directly in it is.
func Classify(path string) ([]Input, error) {
	info, err := snapshot.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		found, err := classifyFile(path, info)
		if errors.Is(err, ErrUnknownKind) && isValues(path) {
			err = fmt.Errorf("%w; if it has values of a Helm chart, check what helm template prints", err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return []Input{found}, nil
	}
	return classifyDir(path)
}

// isValues reports whether a file has the usual name of a Helm chart's values.
func isValues(path string) bool {
	name := strings.ToLower(filepath.Base(path))
	return strings.Contains(name, "values") && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"))
}

// classifyDir looks at the files directly in a directory. A main file or Grafana's directories decide what the directory is;
// manifests next to them are inputs of their own.
func classifyDir(path string) ([]Input, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var whole *Input
	var all []Input
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		switch {
		case whole == nil && (e.Name() == "prometheus.yml" || e.Name() == "prometheus.yaml"):
			whole = &Input{Kind: KindPrometheus, Path: file}
			continue
		case whole == nil && grafana.IsDirectory(e.Name()) && isDir(file):
			whole = &Input{Kind: KindProvisioning, Path: path}
		}
		info, err := os.Stat(file)
		if err != nil || strings.HasPrefix(e.Name(), ".") || info.IsDir() {
			continue
		}
		if found, err := classifyFile(file, info); err == nil {
			all = append(all, found)
		}
	}
	if whole != nil {
		all = slices.DeleteFunc(all, func(i Input) bool { return i.Kind != KindManifest })
		all = slices.Insert(all, 0, *whole)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: %w: no file of Prometheus or Grafana directly in it", path, ErrUnknownKind)
	}
	return all, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func classifyFile(path string, info os.FileInfo) (Input, error) {
	if !info.Mode().IsRegular() {
		return Input{}, errors.New("not a regular file")
	}
	return classify(Input{Path: path}, func() ([]byte, error) { return readBounded(path) })
}

// classify recognizes a file by its name, and if that is not enough by its contents.
func classify(found Input, read func() ([]byte, error)) (Input, error) {
	ext := strings.ToLower(filepath.Ext(found.Path))
	switch ext {
	case ".ini":
		found.Kind = KindIni
		return found, nil
	case ".yml", ".yaml", ".rules", ".json":
	default:
		return found, ErrUnknownKind
	}
	content, err := read()
	if err != nil {
		return found, err
	}
	text := bytes.TrimSpace(content)
	// A template begins with two braces, and is a file whose lines tell what it was meant to be.
	if len(text) > 0 && text[0] == '{' && !bytes.HasPrefix(text, []byte("{{")) || ext == ".json" {
		keys, kind := jsonKeys(text)
		switch {
		case keys["kind"] && keys["apiVersion"] && kind != "Dashboard":
			found.Kind = KindManifest
			return found, nil
		case ext == ".json":
			found.Kind, found.Role = KindDashboard, "dashboards"
			return found, nil
		}
		return byKeys(found, keys)
	}
	keys := topLevelKeys(content)
	if known, err := byKeys(found, keys); err == nil {
		return known, nil
	}
	return misspelt(found, keys, content)
}

// jsonKeys are the top-level keys of a JSON object up to the first syntax error, and the text at "kind". Only a JSON decoder finds
// them quickly in a large file.
func jsonKeys(content []byte) (keys map[string]bool, kind string) {
	keys = map[string]bool{}
	dec := json.NewDecoder(bytes.NewReader(content))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return keys, ""
	}
	for dec.More() {
		t, err := dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return keys, kind
		}
		keys[key] = true
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return keys, kind
		}
		if key == "kind" {
			_ = json.Unmarshal(value, &kind) // anything but a string is an unknown kind
		}
	}
	return keys, kind
}

var topLevelKey = lazyregexp.New(`^["']?([A-Za-z_]+)["']?\s*:`)

// topLevelKeys are the keys at the beginning of a line. They are found without a YAML parser, because broken files need their kind
// most.
func topLevelKeys(data []byte) map[string]bool {
	keys := map[string]bool{}
	for line := range bytes.Lines(data) {
		if m := topLevelKey().FindSubmatch(line); m != nil {
			keys[string(m[1])] = true
		}
	}
	return keys
}

// roles are the kinds of Grafana's files, with keys that only they have.
var roles = []struct {
	role string
	keys []string
}{
	{"datasources", []string{"datasources", "deleteDatasources"}},
	{"dashboards", []string{"providers"}},
	{"plugins", []string{"apps"}},
	{"notifiers", []string{"notifiers", "delete_notifiers"}},
	{"alerting", []string{
		"contactPoints", "policies", "muteTimes", "templates", "deleteRules", "deleteContactPoints",
		"resetPolicies", "deleteMuteTimes", "deleteTemplates",
	}},
}

// otherPrograms are keys of Alertmanager, Promtail, Loki, Mimir, Tempo, the Grafana agent and others, whose files have some of
// Prometheus' keys, too.
var otherPrograms = []string{
	"route", "receivers", "inhibit_rules", "clients", "positions", "server", "distributor", "ingester", "schema_config", "metrics", "logs", "modules",
	"processors", "exporters", "service",
}

// ownKeys are keys of reloader's configuration that no other file with targets has.
var ownKeys = []string{
	"listen_address", "web_config_file", "allowed_hosts", "poll_interval", "settle", "log_level", "log_format", "promcheck", "fast_propagation",
}

func byKeys(found Input, keys map[string]bool) (Input, error) {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return keys[n] })
	}
	if keys["kind"] && (keys["apiVersion"] || keys["metadata"]) {
		found.Kind = KindManifest
		return found, nil
	}
	for _, r := range roles {
		if has(r.keys...) {
			found.Kind, found.Role = KindGrafanaFile, r.role
			return found, nil
		}
	}
	switch {
	case has("targets") && (has(ownKeys...) || strings.HasPrefix(filepath.Base(found.Path), "reloader.")):
		found.Kind = KindOwn
	case strings.HasPrefix(filepath.Base(found.Path), "prometheus."):
		found.Kind = KindPrometheus
	case has(otherPrograms...):
		return found, ErrUnknownKind
	case has("global", "scrape_configs", "rule_files", "scrape_config_files", "remote_write", "remote_read", "storage", "otlp"):
		found.Kind = KindPrometheus
	case keys["groups"] && keys["apiVersion"]:
		found.Kind, found.Role = KindGrafanaFile, "alerting"
	case keys["groups"]:
		found.Kind = KindRules
	default:
		return found, ErrUnknownKind
	}
	return found, nil
}
