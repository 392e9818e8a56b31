package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// FileKind is what a path given to `check` holds.
type FileKind string

// The kinds of paths that `check` tells apart.
const (
	KindPrometheus   FileKind = "prometheus configuration"
	KindRules        FileKind = "prometheus rules"
	KindProvisioning FileKind = "grafana provisioning directory"
	KindGrafanaFile  FileKind = "grafana provisioning file" // its Role says of which kind
	KindDashboard    FileKind = "grafana dashboard"
	KindIni          FileKind = "grafana.ini"
	KindManifest     FileKind = "kubernetes manifest"
)

// Input is one thing to check, found at a path.
type Input struct {
	Kind FileKind
	Path string
	// Role is the provisioning directory that a lone Grafana file belongs into ("datasources").
	Role string
}

// ErrUnknownKind says that neither name nor contents tell what a file is.
var ErrUnknownKind = errors.New("cannot tell what it is")

// maxPeek is how much of a file is read to tell its kind.
const maxPeek = 1 << 20

// provisioningDirs are the directories that Grafana looks for in its provisioning directory.
var provisioningDirs = []string{"datasources", "dashboards", "alerting", "plugins", "notifiers", "access-control"}

// Classify tells what a path holds: a file by name and contents; a directory by its names, and
// if they do not tell, by each of the files directly in it.
func Classify(path string) ([]Input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		found, err := classifyFile(path, info)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return []Input{found}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Name() == "prometheus.yml" || e.Name() == "prometheus.yaml" {
			return []Input{{Kind: KindPrometheus, Path: filepath.Join(path, e.Name())}}, nil
		}
		if slices.Contains(provisioningDirs, e.Name()) && isDir(filepath.Join(path, e.Name())) {
			return []Input{{Kind: KindProvisioning, Path: path}}, nil
		}
	}
	var all []Input
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		info, err := os.Stat(file)
		if err != nil || strings.HasPrefix(e.Name(), ".") || info.IsDir() {
			continue
		}
		if found, err := classifyFile(file, info); err == nil {
			all = append(all, found)
		}
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
	found := Input{Path: path}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".ini":
		found.Kind = KindIni
		return found, nil
	case ".json":
		found.Kind, found.Role = KindDashboard, "dashboards"
		return found, nil
	case ".yml", ".yaml", ".rules":
	default:
		return found, ErrUnknownKind
	}
	head, err := peek(path)
	if err != nil {
		return found, err
	}
	return byKeys(found, topLevelKeys(head))
}

func peek(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxPeek))
}

var topLevelKey = regexp.MustCompile(`^["']?([A-Za-z_]+)["']?\s*:`)

// topLevelKeys are the keys that begin a line. No YAML parser is asked, because the files whose
// kind matters most are the broken ones.
func topLevelKeys(data []byte) map[string]bool {
	keys := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxPeek)
	for lines.Scan() {
		if m := topLevelKey.FindSubmatch(lines.Bytes()); m != nil {
			keys[string(m[1])] = true
		}
	}
	return keys
}

// roles are the kinds of Grafana's files by a key that only they have.
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
	case has("global", "scrape_configs", "rule_files", "scrape_config_files", "remote_write", "remote_read", "storage", "otlp"):
		found.Kind = KindPrometheus
	case keys["groups"] && keys["apiVersion"]:
		found.Kind, found.Role = KindGrafanaFile, "alerting"
	case keys["groups"]:
		found.Kind = KindRules
	case strings.HasPrefix(filepath.Base(found.Path), "prometheus."):
		found.Kind = KindPrometheus
	default:
		return found, ErrUnknownKind
	}
	return found, nil
}
