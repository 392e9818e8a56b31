package references

import (
	"go.yaml.in/yaml/v3"

	"reloader/internal/yamlnode"
)

// References are the file patterns that a Prometheus configuration names, as written.
type References struct {
	RuleFiles         []string
	ScrapeConfigFiles []string
	// FileSD are the files of all file_sd_configs.
	FileSD []string
}

// Scan finds the references in a main file or a scrape_config_files file. It does not judge the file: it skips whatever it
// does not understand. An error means that the file is not a YAML mapping, or is too large.
func Scan(file []byte) (References, error) {
	root, err := yamlnode.Mapping(file)
	if root == nil {
		return References{}, err
	}
	refs := References{
		RuleFiles:         yamlnode.Texts(yamlnode.Get(root, "rule_files")),
		ScrapeConfigFiles: yamlnode.Texts(yamlnode.Get(root, "scrape_config_files")),
	}
	for _, job := range yamlnode.Items(yamlnode.Get(root, "scrape_configs")) {
		refs.FileSD = append(refs.FileSD, fileSD(job)...)
	}
	for _, am := range yamlnode.Items(yamlnode.Get(yamlnode.Get(root, "alerting"), "alertmanagers")) {
		refs.FileSD = append(refs.FileSD, fileSD(am)...)
	}
	return refs, nil
}

func fileSD(owner *yaml.Node) []string {
	var files []string
	for _, sd := range yamlnode.Items(yamlnode.Get(owner, "file_sd_configs")) {
		files = append(files, yamlnode.Texts(yamlnode.Get(sd, "files"))...)
	}
	return files
}
