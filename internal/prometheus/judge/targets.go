package judge

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/prometheus/judge/settings/kubernetes"
	"reloader/internal/prometheus/validator"
	"reloader/internal/yamlnode"
)

// targets checks what promtool checks in addition to the library: certificate pairs, static targets, file_sd files.
func (j *judge) targets(cfg *config.Config, ix *index, jobs []job) {
	for _, jb := range jobs {
		check := func(groups []*targetgroup.Group) error { return checkScrape(groups, jb.ScrapeConfig) }
		j.pair(jb.file, jb.ix, jb.JobName, jb.HTTPClientConfig.TLSConfig)
		j.discoveries(jb.file, jb.ix, jb.JobName, jb.ServiceDiscoveryConfigs, check)
	}
	for _, am := range cfg.AlertingConfig.AlertmanagerConfigs {
		check := func(groups []*targetgroup.Group) error { return checkAlertmanager(groups, am) }
		j.discoveries(j.q.Main, ix, "alertmanagers", am.ServiceDiscoveryConfigs, check)
	}
}

func (j *judge) discoveries(in int, ix *index, owner string, configs discovery.Configs, check func([]*targetgroup.Group) error) {
	for _, c := range configs {
		switch c := c.(type) {
		case *kubernetes.SDConfig:
			j.pair(in, ix, owner, c.HTTPClientConfig.TLSConfig)
		case *file.SDConfig:
			for _, pattern := range c.Files {
				j.fileSD(in, ix, pattern, check)
			}
		case discovery.StaticConfig:
			if err := check(c); err != nil {
				p := valueProblem(err.Error(), configNames)
				p.rule, p.needles = validator.RuleTarget, append(p.needles, owner)
				j.reportAll(in, ix, []problem{p})
			}
		}
	}
}

// pair refuses a client certificate without its key, and a key without its certificate.
func (j *judge) pair(in int, ix *index, owner string, tls commonconfig.TLSConfig) {
	message, needle := "", ""
	switch {
	case tls.CertFile != "" && tls.KeyFile == "":
		message, needle = "cert_file without key_file", tls.CertFile
	case tls.KeyFile != "" && tls.CertFile == "":
		message, needle = "key_file without cert_file", tls.KeyFile
	default:
		return
	}
	j.reportAll(in, ix, []problem{{
		severity: finding.Error, rule: validator.RuleValue, message: message, hint: "name both files",
		needles: []string{needle, owner}}})
}

// fileSD judges the visible target files that match a pattern.
func (j *judge) fileSD(in int, ix *index, pattern string, check func([]*targetgroup.Group) error) {
	dir := path.Dir(j.q.Files[in].Path)
	node := ix.targetFiles(pattern)
	if node == nil {
		node = &yaml.Node{Line: 1, Column: 1, Value: pattern}
	}
	for _, m := range j.glob(in, node, join(dir, pattern), "it gives no targets") {
		i := m.File
		f := j.q.Files[i]
		j.matched[i], j.rereads[i] = true, true
		if f.Size == validator.Known {
			j.answer.Need = append(j.answer.Need, i)
			continue
		}
		if extension(f) != ".json" {
			j.secondDocument(i, f.Content, validator.RuleSecondDocument, "a target file")
		}
		groups, err := readTargets(f)
		if err == nil {
			err = check(groups)
		}
		if err != nil {
			j.targetFile(i, err)
		}
	}
}

// extension is how the server knows JSON from YAML; .JSON is JSON, too.
func extension(f validator.File) string { return strings.ToLower(path.Ext(f.Path)) }

func readTargets(f validator.File) ([]*targetgroup.Group, error) {
	var groups []*targetgroup.Group
	switch ext := extension(f); ext {
	case ".json":
		if err := json.Unmarshal(f.Content, &groups); err != nil {
			return nil, err
		}
	case ".yml", ".yaml":
		if err := yaml2.UnmarshalStrict(f.Content, &groups); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("invalid file extension: %q", ext)
	}
	for i, g := range groups {
		if g == nil {
			return nil, fmt.Errorf("nil target group item found (index %d)", i)
		}
	}
	return groups, nil
}

// targetFile reports what is wrong with a target file, at its place in the file.
func (j *judge) targetFile(i int, err error) {
	content := j.q.Files[i].Content
	hint := `a list of {"targets": ["host:port"], "labels": {"name": "value"}}`
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line, column := lineOf(content, int(syntax.Offset))
		j.report(i, problem{
			line: line, column: column, severity: finding.Error, rule: validator.RuleFileSD, message: notJSON(content, syntax), hint: hint,
		})
		return
	}
	// JSON can be read as YAML to find the place.
	ix, perr := parse(content)
	if perr != nil {
		ix = &index{}
	}
	ps := targetTypes(ix.root, extension(j.q.Files[i]) == ".json")
	if p := otherKind(ix, roleTargets); p != nil {
		ps = []problem{*p}
	}
	if len(ps) == 0 {
		ps = problems(err, configNames)
	}
	for k := range ps {
		ps[k].rule = validator.RuleFileSD
		ps[k].hint = cmp.Or(ps[k].hint, hint)
	}
	j.reportAll(i, ix, ps)
}

// notJSON explains a syntax error. The parser's own messages are written for programmers.
func notJSON(content []byte, err *json.SyntaxError) string {
	end := min(max(int(err.Offset)-1, 0), len(content))
	before := bytes.TrimRight(content[:end], " \t\r\n")
	switch {
	case len(bytes.TrimSpace(content)) == 0:
		return "not valid JSON: the file is empty"
	case bytes.HasSuffix(before, []byte(",")) && end < len(content) && (content[end] == ']' || content[end] == '}'):
		return "not valid JSON: a comma before the closing bracket"
	case strings.HasPrefix(err.Error(), "unexpected end"):
		return "not valid JSON: the file ends too early"
	default:
		return "not valid JSON: " + err.Error()
	}
}

// targetTypes are all values of the wrong type in a target file, and all unknown keys.
func targetTypes(root *yaml.Node, strict bool) []problem {
	var ps []problem
	wrong := func(n *yaml.Node, name, want string) {
		message := typeMessage(want, got(n.ShortTag()))
		if name != "" {
			message = quoted(name) + ": " + message
		}
		ps = append(ps, problemAt(n, finding.Error, validator.RuleFileSD, message, ""))
	}
	// JSON tells strings from numbers. In YAML, any plain value can be a string.
	text := func(n *yaml.Node, name string) {
		n = yamlnode.Resolve(n)
		if n.Kind != yaml.ScalarNode || strict && n.ShortTag() != "!!str" && n.ShortTag() != "!!null" {
			wrong(n, name, "a string")
		}
	}
	if root = yamlnode.Resolve(root); root == nil || root.Kind != yaml.SequenceNode {
		if root != nil {
			wrong(root, "", "a list")
		}
		return ps
	}
	for _, group := range root.Content {
		if group = yamlnode.Resolve(group); group.Kind != yaml.MappingNode {
			wrong(group, "", "a mapping")
			continue
		}
		for key, value := range yamlnode.Pairs(group) {
			switch value = yamlnode.Resolve(value); {
			case value.ShortTag() == "!!null", key.Tag == "!!merge":
			case key.Value == "targets" && value.Kind != yaml.SequenceNode:
				wrong(value, "targets", "a list")
			case key.Value == "targets":
				for _, t := range value.Content {
					text(t, "targets")
				}
			case key.Value == "labels" && value.Kind != yaml.MappingNode:
				wrong(value, "labels", "a mapping")
			case key.Value == "labels":
				for name, v := range yamlnode.Pairs(value) {
					text(v, "labels."+name.Value)
				}
			default:
				ps = append(ps, problemAt(key, finding.Error, validator.RuleFileSD, fmt.Sprintf("unknown field %q", key.Value),
					finding.DidYouMean(key.Value, []string{"targets", "labels"})))
			}
		}
	}
	return ps
}

func lineOf(b []byte, offset int) (line, column int) {
	before := b[:min(max(offset-1, 0), len(b))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}
