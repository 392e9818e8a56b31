package judge

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/config"
	yaml2 "go.yaml.in/yaml/v2"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
)

func init() {
	// As the server and promtool do: without it every scrape job is refused.
	model.NameValidationScheme = model.UTF8Validation //nolint:staticcheck // the library still asks for it
}

// configLoader judges the main file.
type configLoader struct {
	server versions.Version
	// config is the usable part of the file: all of it when it is valid.
	config *config.Config
	last   *config.Config
	// body is the whole file as it was accepted; empty when it was refused.
	body string
	// foreign says that the file is not a Prometheus configuration, so the files that it names do not matter.
	foreign bool
}

func (l *configLoader) judge(t text, ix *index) []problem { return soften(l.found(t, ix), l.server) }

func (l *configLoader) found(t text, ix *index) []problem {
	if p := otherKind(ix, roleMain); p != nil {
		empty := config.DefaultConfig
		l.config, l.foreign = &empty, true
		return []problem{*p}
	}
	t, ps := accept2x(t, ix, l.server)
	body := strings.Join(t, "")
	whole := l.load(body)
	if !blocking(whole) {
		l.config, l.body = l.last, body
		return append(ps, hinted(whole, ix, configType, roleMain)...)
	}
	empty := config.DefaultConfig
	l.config = &empty
	if ix.root == nil {
		return append(ps, whole...)
	}
	parts := isolate(t, ix, l.load)
	if parts.good != nil {
		if body, _ := t.render(parts.root, parts.good); !blocking(l.load(body)) {
			l.config = l.last
		}
	}
	if blocking(parts.found) {
		whole = append(ix.withoutEchoes(parts.found), parts.end()...)
	}
	return append(ps, hinted(ix.eachRelabeling(whole, l.server), ix, configType, roleMain)...)
}

// load judges YAML as config.Load does.
func (l *configLoader) load(body string) []problem {
	return guarded(func() []problem { return l.read(body) })
}

func (l *configLoader) read(body string) []problem {
	cfg, err := config.Load(body, quiet)
	ps := tolerate(problems(err, configNames), l.server)
	if err == nil {
		l.last = cfg
		return nil
	}
	if blocking(ps) {
		return ps
	}
	// There are only unknown fields that this server may know. Everything else must still be valid.
	lenient := config.DefaultConfig
	err = yaml2.Unmarshal([]byte(body), &lenient)
	if err == nil {
		err = checkOTLP(&lenient)
	}
	l.last = &lenient
	return append(ps, problems(err, configNames)...)
}

// checkOTLP repeats what config.Load checks after it has read the file.
func checkOTLP(cfg *config.Config) error {
	s := cfg.OTLPConfig.TranslationStrategy
	switch s {
	case "", otlptranslator.UnderscoreEscapingWithSuffixes, otlptranslator.UnderscoreEscapingWithoutSuffixes:
		return nil
	case otlptranslator.NoTranslation, otlptranslator.NoUTF8EscapingWithSuffixes:
		if cfg.GlobalConfig.MetricNameValidationScheme == model.LegacyValidation {
			return fmt.Errorf("OTLP translation strategy %q is not allowed when UTF8 is disabled", s)
		}
		return nil
	default:
		return fmt.Errorf("unsupported OTLP translation strategy %q", s)
	}
}

// scrapesLoader judges a file of scrape_config_files.
type scrapesLoader struct {
	server versions.Version
	global config.GlobalConfig
	last   []*config.ScrapeConfig
}

func (l *scrapesLoader) load(body string) []problem {
	return guarded(func() []problem { return l.read(body) })
}

func (l *scrapesLoader) read(body string) []problem {
	var file config.ScrapeConfigs
	err := yaml2.UnmarshalStrict([]byte(body), &file)
	ps := tolerate(problems(err, configNames), l.server)
	if err != nil && !blocking(ps) {
		file = config.ScrapeConfigs{}
		err = yaml2.Unmarshal([]byte(body), &file)
		ps = append(ps, problems(err, configNames)...)
	}
	if err != nil {
		return ps
	}
	names := map[string]bool{}
	for _, job := range file.ScrapeConfigs {
		if err = job.Validate(l.global); err == nil && names[job.JobName] {
			err = fmt.Errorf("found multiple scrape configs with job name %q", job.JobName)
		}
		if err != nil {
			return append(ps, problems(err, configNames)...)
		}
		names[job.JobName] = true
	}
	l.last = file.ScrapeConfigs
	return ps
}

func (l *scrapesLoader) judge(t text, ix *index) ([]*config.ScrapeConfig, []problem) {
	jobs, ps := l.found(t, ix)
	return jobs, soften(ps, l.server)
}

func (l *scrapesLoader) found(t text, ix *index) ([]*config.ScrapeConfig, []problem) {
	if p := otherKind(ix, roleScrapes); p != nil {
		return nil, []problem{*p}
	}
	found := l.load(strings.Join(t, ""))
	if blocking(found) && ix.root != nil {
		parts := isolate(t, ix, l.load)
		l.last = nil
		if parts.good != nil {
			body, _ := t.render(parts.root, parts.good)
			l.load(body)
		}
		if blocking(parts.found) {
			found = append(parts.found, parts.end()...)
		}
		found = ix.eachRelabeling(found, l.server)
	}
	return l.last, hinted(found, ix, scrapesType, roleScrapes)
}

// tolerate turns errors about unknown fields into warnings when the running server may know the fields: a newer server
// may, and a 2.x knows the name that 3.0 changed.
func tolerate(ps []problem, server versions.Version) []problem {
	for i := range ps {
		p := &ps[i]
		switch {
		case p.unknown == "":
		case newer(server):
			if !mayBeNew(p.unknown) {
				break // it only holds an anchor, for example
			}
			p.severity = finding.Warning
			p.message += mayKnow(server)
		case is2x(server) && p.unknown == "scrape_classic_histograms":
			p.severity, p.rule = finding.Warning, validator.RuleServerVersion
			p.message = `"scrape_classic_histograms" has been called "always_scrape_classic_histograms" since Prometheus 3.0`
			p.hint = "rename it when you upgrade the server"
		}
	}
	return ps
}

// accept2x rewrites what a 2.x server accepts but the library refuses.
func accept2x(t text, ix *index, server versions.Version) (text, []problem) {
	if !is2x(server) {
		return t, nil
	}
	var ps []problem
	for _, at := range ix.places {
		if at.isKey || at.node.Value != "v1" || at.last() != "api_version" || at.section() != "alertmanagers" {
			continue
		}
		line, col := at.node.Line-1, at.node.Column-1
		if line >= len(t) || col > len(t[line]) {
			continue
		}
		if len(ps) == 0 {
			t = slices.Clone(t)
		}
		old := t[line]
		t[line] = old[:col] + strings.Replace(old[col:], "v1", "v2", 1)
		ps = append(ps, problemAt(at.node, finding.Warning, validator.RuleServerVersion,
			"Prometheus 3.0 and later refuse the Alertmanager api_version v1", "write v2 before you upgrade the server"))
	}
	return t, ps
}

// hinted adds hints to unknown fields: what was meant, or where they belong.
func hinted(ps []problem, ix *index, top reflect.Type, r role) []problem {
	for i := range ps {
		p := &ps[i]
		if p.unknown == "" || p.hint != "" {
			continue
		}
		at, ok := ix.at(p.line, p.unknown)
		if !ok {
			continue
		}
		value := child(ix.root, p.unknown)
		if len(at.path) == 1 && value != nil && !onlyHolds(value) {
			p.hint = misplaced(p.unknown, r)
		}
		if p.hint == "" && !isHolder(p.unknown) {
			p.hint = unknownHint(top, at.path)
		}
		if p.hint == "" && (isHolder(p.unknown) || len(at.path) == 1 && hasOwnAnchor(value)) {
			p.hint = hintAnchor
		}
	}
	return ps
}
