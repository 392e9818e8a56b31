package judge

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/config"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/internal/webconfig"
	"reloader/internal/yamlnode"
)

// This file checks what the library accepts, but the server then refuses, applies in part or drops.

// equalRemotes refuses a duplicate remote_write or remote_read. The server compares whole entries, with defaults filled in
// and secrets masked, and fails when it has applied half of the new configuration.
func (j *judge) equalRemotes(cfg *config.Config, ix *index) {
	check := func(key string, n int, entry func(int) any) {
		list := yamlnode.Resolve(child(ix.root, key))
		seen := map[string]int{}
		for i := range n {
			b, err := yaml2.Marshal(entry(i))
			if err != nil {
				continue
			}
			first, again := seen[string(b)]
			if !again {
				seen[string(b)] = i
			}
			if !again || list == nil || i >= len(list.Content) || len(list.Content) != n {
				continue
			}
			// For an alias, the position is that of the alias itself.
			j.report(j.q.Main, problemAt(list.Content[i], finding.Error, validator.RuleDuplicateRemote,
				fmt.Sprintf("%s %d is the same as %d: the server refuses duplicates after it has applied half of the file", key, i+1, first+1),
				"remove one, or give one of them a name"))
		}
	}
	check("remote_write", len(cfg.RemoteWriteConfigs), func(i int) any { return cfg.RemoteWriteConfigs[i] })
	check("remote_read", len(cfg.RemoteReadConfigs), func(i int) any { return cfg.RemoteReadConfigs[i] })
}

// inDiscovery reports whether the path is within a service discovery.
func inDiscovery(keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return strings.HasSuffix(k, "_sd_configs") })
}

// loadedWith reports whether the part at the path is created while a configuration is applied, so that a bad certificate
// makes the reload fail. Jobs and service discoveries only stop working.
func loadedWith(keys []string) bool {
	return slices.Contains([]string{"remote_write", "remote_read", "alerting", "tracing"}, keys[0]) && !inDiscovery(keys) && !slices.Contains(keys, "oauth2")
}

// tlsVersion is 0 for no value, also null, and for one that Prometheus refuses.
func tlsVersion(n *yaml.Node) uint16 {
	if n = yamlnode.Resolve(n); n == nil {
		return 0
	}
	return webconfig.Versions[n.Value]
}

// certificates judges the authorities, certificates and keys that are visible.
func (j *judge) certificates(file int, ix *index, dir string) {
	for _, at := range ix.places {
		if at.isKey || at.node.Kind != yaml.MappingNode || at.last() != "tls_config" {
			continue
		}
		severity, effect := finding.Warning, "the job is never scraped"
		switch {
		case loadedWith(at.path):
			severity, effect = finding.Error, "the reload fails partway, and the server cannot start"
		case inDiscovery(at.path):
			effect = "no target is found"
		case slices.Contains([]string{"remote_write", "remote_read", "alerting"}, at.path[0]):
			effect = "its requests fail"
		}
		say := func(p pemText, what string) {
			hint := "replace the file with a PEM certificate or key"
			if p.inline {
				hint = "write the whole PEM text here, or name a file"
			}
			j.report(file, problemAt(p.node, severity, validator.RuleCertificate, fmt.Sprintf("%q %s: %s", p.name, what, effect), hint))
		}
		most := yamlnode.Resolve(child(at.node, "max_version"))
		if v := tlsVersion(most); v != 0 && v < tlsVersion(child(at.node, "min_version")) {
			j.report(file, problemAt(most, severity, validator.RuleCertificate, `"max_version" is below "min_version": `+effect, "exchange them, or leave one out"))
		}
		ca, cert, key := j.pemText(at.node, "ca", dir), j.pemText(at.node, "cert", dir), j.pemText(at.node, "key", dir)
		if ca.content != nil && !x509.NewCertPool().AppendCertsFromPEM(ca.content) {
			say(ca, "has no certificate in PEM format")
		}
		certOK, keyOK := false, firstPEM(key.content, "PRIVATE KEY") != nil
		if block := firstPEM(cert.content, certificate); block != nil {
			if _, err := x509.ParseCertificate(block.Bytes); err != nil {
				say(cert, "has a damaged or truncated certificate")
			} else {
				certOK = true
			}
		} else if cert.content != nil {
			say(cert, "has no certificate in PEM format")
		}
		if key.content != nil && !keyOK {
			say(key, "has no key in PEM format")
		}
		if certOK && keyOK {
			// The error of the library is not shown: it might quote a part of the key.
			if _, err := tls.X509KeyPair(cert.content, key.content); err != nil {
				say(key, "does not match the certificate, or one of them is damaged")
			}
		}
	}
}

// pemText is an authority, a certificate or a key, with a name that may be shown.
type pemText struct {
	node    *yaml.Node
	name    string
	content []byte // nil when it is not visible to reloader
	inline  bool
}

// pemText is the value of a key, or else the contents of the file that key_file names, if they are visible to reloader.
func (j *judge) pemText(n *yaml.Node, key, dir string) pemText {
	if v := yamlnode.Resolve(child(n, key)); v != nil && v.Kind == yaml.ScalarNode && v.Value != "" {
		return pemText{v, key, []byte(v.Value), true}
	}
	v := yamlnode.Resolve(child(n, key+"_file"))
	if v == nil || v.Kind != yaml.ScalarNode || v.Value == "" {
		return pemText{}
	}
	p, _ := j.throughLink(join(dir, v.Value))
	i, ok := j.paths[p]
	if !ok {
		return pemText{}
	}
	if j.q.Files[i].Size == validator.Known {
		j.answer.Need = append(j.answer.Need, i)
		return pemText{}
	}
	return pemText{v, v.Value, append([]byte{}, j.q.Files[i].Content...), false} // an empty file is visible, too
}

// firstPEM is the first block of a kind ("PRIVATE KEY", also "EC PRIVATE KEY"); nil when there is none.
func firstPEM(b []byte, kind string) *pem.Block {
	block, rest := pem.Decode(b)
	for block != nil && block.Type != kind && (kind == certificate || !strings.HasSuffix(block.Type, " "+kind)) {
		block, rest = pem.Decode(rest)
	}
	return block
}

// certificate is the only kind of block that servers read certificates from: they ignore a TRUSTED CERTIFICATE.
const certificate = "CERTIFICATE"

// logDirectories warns about log files in directories that do not exist: the server applies the rest, and reports a failure.
func (j *judge) logDirectories(file int, ix *index, dir string) {
	for _, at := range ix.places {
		if key := at.last(); at.isKey || at.node.Kind != yaml.ScalarNode || at.node.Value == "" || key != "query_log_file" && key != "scrape_failure_log_file" {
			continue
		}
		name := join(dir, at.node.Value)
		switch logs := path.Dir(name); {
		case j.dirs[name]:
			j.report(file, problemAt(at.node, finding.Error, validator.RuleDirectory,
				fmt.Sprintf("%q is a directory: the reload fails partway", at.node.Value), "name a file in it"))
		case !j.dirs[logs] && j.below(logs):
			j.report(file, problemAt(at.node, finding.Warning, validator.RuleMissingFile,
				fmt.Sprintf("the directory %q does not exist: without it the reload fails partway", logs),
				"make sure that the server's container has it and can write to it"))
		}
	}
}

// below reports whether a directory is inside one whose files are all visible.
func (j *judge) below(dir string) bool {
	for dir != "/" && dir != "." {
		if dir = path.Dir(dir); j.wholeDirs[dir] {
			return true
		}
	}
	return false
}

// secondDocument warns about YAML documents after the first, which the server silently ignores.
func (j *judge) secondDocument(file int, content []byte, rule, what string) {
	if p := secondDocumentIn(content, rule, what); p != nil {
		j.report(file, *p)
	}
}

func secondDocumentIn(content []byte, rule, what string) *problem {
	if !bytes.Contains(content, []byte("\n---")) {
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(content))
	for n := 0; ; n++ {
		var doc yaml.Node
		err := d.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF) || err != nil && n == 0:
			return nil
		case n == 0:
			continue
		case err == nil && (len(doc.Content) == 0 || doc.Content[0].Tag == "!!null"):
			continue
		}
		line := doc.Line
		if err != nil {
			line = bytes.Count(content[:bytes.LastIndex(content, []byte("\n---"))+1], []byte("\n")) + 1
		}
		return &problem{
			line: max(line, 1), column: 1, severity: finding.Warning, rule: rule,
			message: "only the first YAML document of " + what + " is read", hint: "put everything into one document, without a --- line",
		}
	}
}
