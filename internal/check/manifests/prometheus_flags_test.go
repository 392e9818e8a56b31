package manifests

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/versions"
	"reloader/test/rig"
)

// No flag or feature in the real server's help counts as unknown for its version, and the server refuses the flags that the tables
// call removed.
func TestFlagsAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	program := rig.PrometheusBinary(t)
	out, err := exec.CommandContext(t.Context(), program, "--version").CombinedOutput()
	m := regexp.MustCompile(`version (\d+\.\d+)`).FindStringSubmatch(string(out))
	if err != nil || m == nil {
		t.Fatalf("%v: %s", err, out)
	}
	server := versions.Parse(m[1])
	out, _ = exec.CommandContext(t.Context(), program, "--help").CombinedOutput()
	n := 0
	for _, m := range regexp.MustCompile(`(?m)^ {2,6}(?:-h, )?--(?:\[no-\])?([a-z0-9.-]+)`).FindAllStringSubmatch(string(out), -1) {
		n++
		if s, message, _ := judgeFlag(strings.TrimSuffix(m[1], "."), server, true); message != "" {
			t.Errorf("--%s: %v: %s", m[1], s, message)
		}
	}
	if n < 50 {
		t.Errorf("only %d flags are in its help", n)
	}
	valid := regexp.MustCompile(`(?s)Valid options: (.*?)\. See`).FindStringSubmatch(string(out))
	if valid == nil {
		t.Fatal("the help names no features")
	}
	features := strings.Split(valid[1], ",")
	if len(features) < 10 {
		t.Errorf("only %d features are in its help", len(features))
	}
	for _, f := range features {
		f = strings.Join(strings.Fields(f), "")
		if s, message, _ := judgeFeature(f, server); strings.Contains(message, "is unknown") {
			t.Errorf("feature %s: %v: %s", f, s, message)
		}
	}
	for name := range flagRemoved {
		severity, message, _ := judgeFlag(name, server, true)
		out, err := exec.CommandContext(t.Context(), program, "--"+name+"=1", "--config.file=/does/not/exist").CombinedOutput()
		if severity != finding.Error || message == "" || err == nil || !strings.Contains(string(out), "unknown long flag") {
			t.Errorf("--%s: %v: %s; the server: %s", name, severity, message, out)
		}
	}
}

// A flag is an error only if it is known to be wrong: other images, versions and programs have flags of their own.
func TestFlagsOfUnknownServers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag     string
		server   versions.Version
		official bool
		want     finding.Severity
		none     bool
	}{
		{"own.flag", versions.Of(3, 5), true, finding.Error, false},
		{"own.flag", versions.Of(3, 5), false, finding.Warning, false},
		{"own.flag", versions.Of(3, 99), true, finding.Warning, false},
		{"own.flag", versions.Version{}, true, finding.Warning, false},
		{"own.flag", versions.Of(2, 20), true, 0, true},
		{"agent", versions.Version{}, true, 0, true},
		{"agent", versions.Of(2, 55), true, finding.Error, false},
		{"agent", versions.Of(3, 0), true, 0, true},
		{"config.auto-reload", versions.Of(3, 13), true, 0, true}, // added in 3.12, 3.13 or 3.14
		{"no-storage.tsdb.wal-compression", versions.Of(3, 16), true, 0, true},
		{"storage.tsdb.retention", versions.Of(2, 53), true, 0, true},
		{"storage.tsdb.retention", versions.Of(3, 99), true, finding.Error, false},
		{"storage.local.engine", versions.Of(3, 5), true, finding.Error, false},
	} {
		got, message, _ := judgeFlag(c.flag, c.server, c.official)
		if (message == "") != c.none || message != "" && got != c.want {
			t.Errorf("--%s on %s: %v %q", c.flag, c.server, got, message)
		}
	}
}
