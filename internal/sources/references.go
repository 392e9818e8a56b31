package sources

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// maxScan bounds the file that is scanned: a parsed file takes many times its size in memory, and a
// ConfigMap holds at most 1 MiB.
const maxScan = 4 << 20

// References are the file patterns that a Prometheus configuration names, as written.
type References struct {
	RuleFiles         []string
	ScrapeConfigFiles []string
	// FileSD are the files of all file_sd_configs.
	FileSD []string
}

// Scan finds the references in a main file or in a scrape configuration file. It is no verdict:
// whatever it does not understand it skips; an error means that the file is not even YAML.
func Scan(file []byte) (References, error) {
	root, err := mapping(file)
	if root == nil {
		return References{}, err
	}
	refs := References{
		RuleFiles:         texts(get(root, "rule_files", 0)),
		ScrapeConfigFiles: texts(get(root, "scrape_config_files", 0)),
	}
	for _, job := range items(get(root, "scrape_configs", 0)) {
		refs.FileSD = append(refs.FileSD, fileSD(job)...)
	}
	for _, am := range items(get(get(root, "alerting", 0), "alertmanagers", 0)) {
		refs.FileSD = append(refs.FileSD, fileSD(am)...)
	}
	return refs, nil
}

// mapping is the top of a file; nil without an error for an empty one.
func mapping(file []byte) (*yaml.Node, error) {
	if len(file) > maxScan {
		return nil, fmt.Errorf("scan for file references: %d bytes are more than %d", len(file), maxScan)
	}
	var doc yaml.Node
	if err := unmarshal(file, &doc); err != nil {
		return nil, fmt.Errorf("scan for file references: %w", err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	if resolve(root).Kind != yaml.MappingNode {
		return nil, errors.New("scan for file references: not a mapping")
	}
	return root, nil
}

// unmarshal turns the parser's panics, should there be any left, into errors.
func unmarshal(b []byte, doc *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("parse yaml: %v", p)
		}
	}()
	return yaml.Unmarshal(b, doc)
}

func fileSD(owner *yaml.Node) []string {
	var files []string
	for _, sd := range items(get(owner, "file_sd_configs", 0)) {
		files = append(files, texts(get(sd, "files", 0))...)
	}
	return files
}

// resolve follows an alias. Aliases of aliases do not exist.
func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// get is the value of a key in a mapping, merged mappings included; nil when there is none.
func get(n *yaml.Node, key string, depth int) *yaml.Node {
	const maxMerges = 8
	n = resolve(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > maxMerges {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && n.Content[i].Kind == yaml.ScalarNode {
			return resolve(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		merged := resolve(n.Content[i+1])
		for _, m := range append(items(merged), merged) {
			if v := get(m, key, depth+1); v != nil {
				return v
			}
		}
	}
	return nil
}

func items(n *yaml.Node) []*yaml.Node {
	n = resolve(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func texts(n *yaml.Node) []string {
	var out []string
	for _, item := range items(n) {
		if item = resolve(item); item.Kind == yaml.ScalarNode && item.Value != "" {
			out = append(out, item.Value)
		}
	}
	return out
}
