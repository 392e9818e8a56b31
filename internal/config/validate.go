package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/generic"
	grafanavalidator "reloader/internal/grafana/validator"
	"reloader/internal/lazyregexp"
	prometheusvalidator "reloader/internal/prometheus/validator"
	"reloader/internal/versions"
)

// checker collects all mistakes in a Config. It names each field as the user gave it: a flag or a key.
type checker struct {
	file      string
	positions map[string]position
	errs      []error
}

// fail reports a field by its path in the file.
func (c *checker) fail(path, hint, format string, args ...any) {
	e := &Error{Field: path, Message: fmt.Sprintf(format, args...), Hint: hint}
	at, ok := c.positions[path]
	if i := strings.LastIndexByte(path, '.'); !ok && i > 0 {
		at, ok = c.positions[path[:i]] // a missing key has no position; its target has
	}
	if ok {
		e.File, e.Line, e.Column = c.file, at.line, at.column
	}
	c.errs = append(c.errs, e)
}

// process checks the settings of the process. Each has a flag, which names it unless the file set it.
func (c *checker) process(cfg Config) {
	name := func(key string) string {
		if _, ok := c.positions[key]; ok {
			return key
		}
		return "--" + strings.ReplaceAll(key, "_", "-")
	}
	if err := checkListenAddress(cfg.ListenAddress); err != nil {
		c.fail(name("listen_address"), "", "%s", err)
	}
	if cfg.PollInterval < 100*time.Millisecond {
		c.fail(name("poll_interval"), "", "want at least 100ms")
	}
	if cfg.Settle < 0 || cfg.Settle > time.Minute {
		c.fail(name("settle"), "", "want 0 to 1m")
	}
	if levels := []string{"debug", "info", "warn", "error"}; !slices.Contains(levels, cfg.LogLevel) {
		c.fail(name("log_level"), "want debug, info, warn or error", "unknown level %q", cfg.LogLevel)
	}
	if formats := []string{"logfmt", "json"}; !slices.Contains(formats, cfg.LogFormat) {
		c.fail(name("log_format"), "want logfmt or json", "unknown format %q", cfg.LogFormat)
	}
}

func checkListenAddress(address string) error {
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("want HOST:PORT or :PORT")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 && port != "0" {
		return fmt.Errorf("port %q: want a number from 0 to 65535", port)
	}
	return nil
}

// targets checks each target and that their names differ.
func (c *checker) targets(targets []Target, offline bool) {
	seen := map[string]bool{}
	for i, t := range targets {
		tc := targetChecker{checker: c, Target: t, index: i, offline: offline}
		tc.name(seen)
		switch t.Kind {
		case Prometheus:
			tc.prometheus()
		case Grafana:
			tc.grafana()
		case HTTP:
			tc.url(true)
			tc.need("dirs", len(t.Dirs) > 0)
		case Signal:
			tc.need("process_name", t.ProcessName != "")
			tc.need("dirs", len(t.Dirs) > 0)
		default:
			kinds := []string{string(Prometheus), string(Grafana), string(HTTP), string(Signal)}
			tc.fail("kind", cmp.Or(didYouMean(string(t.Kind), kinds), "want "+strings.Join(kinds, ", ")), "unknown kind %q", t.Kind)
			continue
		}
		tc.applicable()
		tc.client()
		if err := CheckVersion(t.Version); err != nil && !t.FromFlags {
			tc.fail("version", "", "%s", err)
		}
		if !t.FromFlags {
			c.allow(fmt.Sprintf("targets[%d].allow", i), t.Allow)
			c.ignore(fmt.Sprintf("targets[%d].ignore", i), t.Ignore)
		}
		if t.ReloadTimeout < 0 {
			tc.fail("reload_timeout", "", "must not be negative")
		}
		tc.gate()
		tc.ownGate(targets[:i])
	}
}

func didYouMean(word string, known []string) string {
	if best := finding.Nearest(word, known); best != "" {
		return "did you mean " + best + "?"
	}
	return ""
}

// CheckVersion refuses what is no version: the files would be judged as if none was given, and no one would notice.
func CheckVersion(s string) error {
	if s == "" || versions.Parse(s).Known() {
		return nil
	}
	return fmt.Errorf("%q is not a version: write major and minor, such as 3.16 or 3.16.0", s)
}

// Features separates feature flags that were given as one value, as Prometheus' own --enable-feature accepts them.
func Features(given []string) []string {
	var features []string
	for _, list := range given {
		features = append(features, strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	return features
}

// targetChecker checks one target.
type targetChecker struct {
	*checker
	Target
	index   int
	offline bool
}

// fail reports a key as the user gave it: a flag or a path in the file.
func (c *targetChecker) fail(key, hint, format string, args ...any) {
	path := fmt.Sprintf("targets[%d].%s", c.index, key)
	if c.FromFlags {
		path = flagName(c.Kind, key)
	}
	c.checker.fail(path, hint, format, args...)
}

func (c *targetChecker) need(key string, given bool) {
	if !given {
		c.fail(key, "", "is required for kind %s", c.Kind)
	}
}

var targetName = lazyregexp.New(`^[a-z0-9]([-_.a-z0-9]{0,61}[a-z0-9])?$`)

func (c *targetChecker) name(seen map[string]bool) {
	if !targetName().MatchString(c.Name) {
		c.fail("name", "", "%q: want 1 to 63 lower-case letters, digits, '-', '_' or '.'", c.Name)
	} else if seen[c.Name] {
		c.fail("name", "", "%q is the name of another target", c.Name)
	}
	seen[c.Name] = true
}

func (c *targetChecker) prometheus() {
	c.url(c.Method != MethodSignal)
	c.need("config_file", c.ConfigFile.Path != "")
	switch c.Method {
	case MethodHTTP:
	case MethodSignal:
		c.need("process_name", c.ProcessName != "")
	default:
		c.fail("method", "want http or signal", "unknown method %q", c.Method)
	}
}

func (c *targetChecker) grafana() {
	c.url(true)
	if c.Provisioning.Path == "" && c.Ini.Path == "" {
		c.fail("provisioning", "", "give provisioning, ini or both")
	}
	if c.Restart != RestartOff && c.Restart != RestartTerminate {
		c.fail("restart", "want off or terminate", "unknown value %q", c.Restart)
	}
}

// allow refuses unknown guards: otherwise a mistyped one would stay on and no one would notice.
func (c *checker) allow(path string, names []string) {
	known := guards()
	for _, name := range names {
		if !slices.Contains(known, name) {
			c.fail(path, didYouMean(name, known), "unknown guard %q", name)
		}
	}
}

// ignore refuses the name of a check that does not exist.
func (c *checker) ignore(path string, list []string) {
	known := slices.Concat(prometheusvalidator.Rules, []string{prometheusvalidator.RulePastGate}, grafanavalidator.Rules(), guards())
	for _, s := range list {
		i, err := finding.ParseIgnore(s)
		switch {
		case err != nil:
			c.fail(path, "", "%q: %s", s, err)
		case !slices.Contains(known, i.Rule):
			c.fail(path, didYouMean(i.Rule, known), "unknown check %q", i.Rule)
		}
	}
}

// guards returns the names of the guards of all kinds: one --allow serves all of them.
func guards() []string {
	return slices.Concat(prometheusvalidator.Guards, grafanavalidator.Guards(), []string{generic.GuardEmptied})
}

// applicable refuses keys that do not apply to the kind, so that nothing is silently ignored.
func (c *targetChecker) applicable() {
	only := []struct {
		key   string
		set   bool
		kinds []Kind
	}{
		{"url", c.URL != "", []Kind{Prometheus, Grafana, HTTP}},
		{"config_file", c.ConfigFile.Path != "", []Kind{Prometheus}},
		{"dirs", len(c.Dirs) > 0, []Kind{Prometheus, HTTP, Signal}},
		{"method", c.Method != "", []Kind{Prometheus}},
		{"version", c.Version != "", []Kind{Prometheus, Grafana}},
		{"agent", c.Agent, []Kind{Prometheus}},
		{"features", len(c.Features) > 0, []Kind{Prometheus}},
		{"validator", c.Validator != "", []Kind{Prometheus}},
		{"process_name", c.ProcessName != "", []Kind{Prometheus, Grafana, Signal}},
		{"provisioning", c.Provisioning.Path != "", []Kind{Grafana}},
		{"ini", c.Ini.Path != "", []Kind{Grafana}},
		{"same_env", c.SameEnv, []Kind{Grafana}},
		{"restart", c.Restart != "", []Kind{Grafana}},
	}
	for _, f := range only {
		if f.set && !slices.Contains(f.kinds, c.Kind) {
			c.fail(f.key, "", "does not apply to kind %s", c.Kind)
		}
	}
}
