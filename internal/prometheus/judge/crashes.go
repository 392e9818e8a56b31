package judge

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
)

// This file checks what the library accepts, and what then makes the server panic: while it applies the files or some seconds
// later, and again at each start.

const andCrashes = ": Prometheus accepts this and then crashes, also at each start"

func crash(n *yaml.Node, what, hint string) problem {
	return problemAt(n, finding.Error, validator.RuleCrash, what+andCrashes, hint)
}

// guarded turns a panic of the library into a problem: the server runs the same code. The values of the panic are not shown.
func guarded(load func() []problem) (ps []problem) {
	defer func() {
		if recover() != nil {
			ps = []problem{{
				severity: finding.Error, rule: validator.RuleCrash, message: "Prometheus crashes when it reads this, also at each start",
				hint: "look for an empty entry in a list (a dash with nothing after it, or ~)"}}
		}
	}()
	return load()
}

// checkedPauses are the service discoveries that refuse a pause of 0 by themselves, or, as aws does, use their default instead.
var checkedPauses = []string{"aws_sd_configs", "oci_sd_configs", "triton_sd_configs"}

// never finds pauses of 0 in service discoveries: they use tickers of Go, which panic then.
func (j *judge) never(file int, ix *index) {
	o := outliner{left: maxAliased}
	for _, at := range ix.places {
		if at.isKey || !strings.HasSuffix(at.last(), "_sd_configs") || slices.Contains(checkedPauses, at.last()) {
			continue
		}
		if n, ok := o.value(at.node, "refresh_interval"); ok && isZero(o.resolve(n)) {
			j.report(file, crash(n, `"refresh_interval" is 0`, "write a time (5m), or leave the key out: Prometheus has a default"))
		}
	}
}

// isZero reports whether a value is a duration of 0. For Prometheus' parser of YAML, no value is one, too.
func isZero(n *yaml.Node) bool {
	if n == nil || n.Kind != yaml.ScalarNode {
		return false
	}
	if n.Tag == "!!null" {
		return true
	}
	d, err := model.ParseDuration(n.Value)
	return err == nil && d == 0
}

// value is the value at a path of keys, or the last one on the way to it that there is.
func (o *outliner) value(n *yaml.Node, keys ...string) (value *yaml.Node, found bool) {
	for _, key := range keys {
		fields := o.fields(n)
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
		if i < 0 {
			return n, false
		}
		n = fields[i].value
	}
	return n, true
}

// metadataPause finds a pause of 0 between the metadata that a remote_write sends. Only the first protocol sends them on their own.
func (j *judge) metadataPause(cfg *config.Config, ix *index) {
	o := outliner{left: maxAliased}
	list := o.items(child(ix.root, "remote_write"))
	for i, rw := range cfg.RemoteWriteConfigs {
		m := rw.MetadataConfig
		if !m.Send || m.SendInterval != 0 || rw.ProtobufMessage != config.DefaultRemoteWriteConfig.ProtobufMessage || len(list) != len(cfg.RemoteWriteConfigs) {
			continue
		}
		at, _ := o.value(list[i], "metadata_config", "send_interval")
		j.report(j.q.Main, crash(at, `"send_interval" is 0`, "write a time (1m), or send: false"))
	}
}

// unreadableNames finds names that are not UTF-8, which the server's own metrics cannot have. Only !!binary can write them.
func (j *judge) unreadableNames(cfg *config.Config, ix *index, jobs []job) {
	say := func(file int, ix *index, list, key string, n int) {
		j.report(file, crash(entryOf(ix.root, list, n, key), quoted(key)+" is not UTF-8", hintText))
	}
	in := map[int]int{}
	for _, jb := range jobs {
		if !utf8.ValidString(jb.JobName) {
			say(jb.file, jb.ix, "scrape_configs", "job_name", in[jb.file])
		}
		in[jb.file]++
	}
	for i, rw := range cfg.RemoteWriteConfigs {
		if !utf8.ValidString(rw.Name) {
			say(j.q.Main, ix, "remote_write", "name", i)
		}
	}
	for i, rr := range cfg.RemoteReadConfigs {
		if !utf8.ValidString(rr.Name) {
			say(j.q.Main, ix, "remote_read", "name", i)
		}
	}
}

// unreadableGroups finds groups whose names are not UTF-8.
func unreadableGroups(groups *rulefmt.RuleGroups, content []byte) (ps []problem) {
	for i, g := range groups.Groups {
		if utf8.ValidString(g.Name) {
			continue
		}
		at := &yaml.Node{}
		if ix, err := parse(content); err == nil {
			at = entryOf(ix.root, "groups", i, "name")
		}
		ps = append(ps, crash(at, "the name of a group is not UTF-8", hintText))
	}
	return ps
}

const hintText = "write the name as text, without !!binary"

// entryOf is the key of an entry in a list, or the entry, or what there is.
func entryOf(root *yaml.Node, list string, n int, key string) *yaml.Node {
	o := outliner{left: maxAliased}
	at, _ := o.value(root, list)
	if entries := o.items(at); n < len(entries) {
		at, _ = o.value(entries[n], key)
	}
	return at
}

// noLogLevel finds a configuration without a log level, which the server cannot set: an empty document, or a key without a value.
func (j *judge) noLogLevel(cfg *config.Config, ix *index) {
	if cfg.Runtime.LogLevel != "" || ix.root == nil || j.server.Known() && j.server.Before(versions.Parse(sinceLogLevel)) {
		return
	}
	const refuses = ", which Prometheus since " + sinceLogLevel + " refuses: unrecognized log level"
	if ix.root.Tag == "!!null" {
		top := &yaml.Node{Line: 1, Column: 1}
		j.report(j.q.Main, problemAt(top, finding.Error, validator.RuleValue, "the first document is empty"+refuses, "remove the --- above it, or write {} if Prometheus is meant to do nothing"))
		return
	}
	o := outliner{left: maxAliased}
	at, _ := o.value(ix.root, "runtime", "log_level")
	j.report(j.q.Main, problemAt(at, finding.Error, validator.RuleValue, `"log_level" has no value`+refuses, "write a level (info), or leave the key out"))
}

// sinceLogLevel is the first version with runtime.log_level.
const sinceLogLevel = "3.15"
