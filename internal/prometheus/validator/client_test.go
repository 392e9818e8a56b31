package validator

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reloader/internal/confine"
	"reloader/internal/finding"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// script is a program that runs these shell commands.
func script(t *testing.T, body string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "program")
	rig.WriteProgram(t, p, "#!/bin/sh\n"+body+"\n")
	return p
}

// request asks about files that the server sees in another directory.
func request(files map[string]string) finding.Request {
	m := map[string][]byte{}
	for name, body := range files {
		m[name] = []byte(body)
	}
	return finding.Request{Set: snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "config", Dir: "/user", ServerDir: "/srv"}, m))}
}

var oneFile = map[string]string{"prometheus.yml": "scrape_configs: []\n"}

// If anything goes wrong with the process there is no verdict, and the error says what went wrong.
func TestNoVerdict(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body, reason, says string
	}{
		"crash":            {"echo 'panic: oh no' >&2; exit 2", confine.ReasonDied, "panic: oh no"},
		"killed":           {"kill -9 $$", confine.ReasonDied, "killed"},
		"no output":        {"exit 0", confine.ReasonAnswer, "EOF"},
		"garbage":          {"cat >/dev/null; echo hello", confine.ReasonAnswer, "invalid character"},
		"another protocol": {`cat >/dev/null; echo '{"protocol":99}'`, confine.ReasonAnswer, "protocol 99"},
		"half an answer":   {`cat >/dev/null; printf '{"protocol":3,'`, confine.ReasonAnswer, "unexpected EOF"},
		"answer and crash": {`cat >/dev/null; echo '{"protocol":3}'; exit 3`, confine.ReasonAnswer, "exit code 3"},
		"endless needs":    {`cat >/dev/null; echo '{"protocol":3,"need":[0]}'`, confine.ReasonAnswer, "again"},
		"empty approval":   {`cat >/dev/null; echo '{"protocol":3,"library":"3.16.0","scheme":"utf8"}'`, confine.ReasonAnswer, "does not say what a server shows"},
		"hang":             {"exec sleep 1000", confine.ReasonTimeout, "no answer within"},
		"hanging child":    {"sleep 1000 & sleep 1000", confine.ReasonTimeout, "no answer within"},
		"too much":         {"exec yes", confine.ReasonAnswer, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := 20 * time.Second
			if tc.reason == confine.ReasonTimeout {
				timeout = 300 * time.Millisecond
			}
			v := New(Options{Main: "/user/prometheus.yml", Program: script(t, tc.body), Timeout: timeout})
			res, err := v.Validate(t.Context(), request(oneFile))
			var je *JudgeError
			if !errors.As(err, &je) || je.Reason != tc.reason || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, %v; want reason %q and %q", res, err, tc.reason, tc.says)
			}
		})
	}
}

// A validator that does not exist is an error that says so.
func TestNoProgram(t *testing.T) {
	t.Parallel()
	v := New(Options{Main: "/user/prometheus.yml", Program: filepath.Join(t.TempDir(), "nothing")})
	var je *JudgeError
	if _, err := v.Validate(t.Context(), request(oneFile)); !errors.As(err, &je) || je.Reason != confine.ReasonStart || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// The process does not see reloader's environment, which has credentials.
func TestEnvironmentIsNotPassedOn(t *testing.T) {
	t.Setenv("GF_SECURITY_ADMIN_PASSWORD", "hunter2")
	v := New(Options{Main: "/user/prometheus.yml", Program: script(t, "env >&2; exit 2")})
	_, err := v.Validate(t.Context(), request(oneFile))
	if err == nil || !strings.Contains(err.Error(), "GOMEMLIMIT") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the environment was: %v", err)
	}
}

// A missing main file is a finding, without asking the process.
func TestMainFileGone(t *testing.T) {
	t.Parallel()
	v := New(Options{Main: "/user/prometheus.yml", Program: script(t, "exit 2")})
	res, err := v.Validate(t.Context(), request(map[string]string{"other.yml": ""}))
	if err != nil || !res.Invalid() || res.Findings[0].Rule != RuleConfigMissing || res.Findings[0].Message != "the main file does not exist" {
		t.Errorf("%v, %v", res, err)
	}
	link := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.Symlink("gone/prometheus.yml", link); err != nil {
		t.Fatal(err)
	}
	v = New(Options{Main: link, Program: script(t, "exit 2")})
	res, err = v.Validate(t.Context(), request(nil))
	if err != nil || !res.Invalid() || !strings.Contains(res.Findings[0].Message, `is a link to "gone/prometheus.yml"`) {
		t.Errorf("a link to nothing: %v, %v", res, err)
	}
}

// A cancelled validation ends without waiting for the process.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v := New(Options{Main: "/user/prometheus.yml", Program: script(t, "sleep 1000")})
	if _, err := v.Validate(ctx, request(oneFile)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// answering is a validator whose process always gives this answer.
func answering(t *testing.T, answer string) *Validator {
	t.Helper()
	return New(Options{Main: "/user/prometheus.yml", Program: script(t, "cat >/dev/null; echo '"+answer+"'")})
}

// Empty files, and files that remove all jobs or all rule groups of the server, are held back by a guard unless it is allowed. Broken files
// trigger no guard, because their contents are unknown.
func TestGuards(t *testing.T) {
	t.Parallel()
	running := &finding.Outline{Items: []finding.Item{{Kind: KindJob, Name: "a"}, {Kind: KindGroup, Name: "g"}}}
	for name, tc := range map[string]struct {
		answer string
		run    *finding.Outline
		allow  []string
		want   []string
		blocks bool
	}{
		"emptied":                {`{"protocol":3,"expected":{}}`, running, nil, []string{GuardEmpty}, true},
		"empty from the start":   {`{"protocol":3,"expected":{}}`, nil, nil, []string{GuardEmpty}, true},
		"empty and allowed":      {`{"protocol":3,"expected":{}}`, running, []string{GuardEmpty}, []string{GuardEmpty}, false},
		"all jobs gone":          {`{"protocol":3,"expected":{},"items":[{"kind":"section","name":"global"}],"rules":[{"file":0,"groups":[{"name":"g"}]}]}`, running, nil, []string{GuardJobs}, true},
		"jobs and groups gone":   {`{"protocol":3,"expected":{},"items":[{"kind":"section","name":"global"}]}`, running, []string{GuardJobs}, []string{GuardGroups, GuardJobs}, true},
		"never had any":          {`{"protocol":3,"expected":{},"items":[{"kind":"section","name":"global"}]}`, nil, nil, nil, false},
		"broken files":           {`{"protocol":3,"broken":true,"findings":[{"file":0,"line":1,"severity":"error","rule":"main","message":"broken"}]}`, running, nil, []string{"main"}, true},
		"a job and a group left": {`{"protocol":3,"expected":{},"items":[{"kind":"scrape job","name":"b"}],"rules":[{"file":0,"groups":[{"name":"g"}]}]}`, running, nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(oneFile)
			req.Running, req.Allow = tc.run, tc.allow
			res, err := answering(t, tc.answer).Validate(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range res.Findings {
				got = append(got, f.Rule)
			}
			if strings.Join(got, " ") != strings.Join(tc.want, " ") || res.Invalid() != tc.blocks {
				t.Errorf("got %v, blocks %v", res.Findings, res.Invalid())
			}
		})
	}
}

// A new error in a file with a remembered verdict is reported, and a remembered finding is reported once. A main file that is called
// broken without a mistake is no verdict.
func TestErrorsInKnownFiles(t *testing.T) {
	t.Parallel()
	v := New(Options{Main: "/user/prometheus.yml"})
	req := request(map[string]string{"prometheus.yml": "rule_files: [a.rules]\n", "a.rules": "groups: []\n"})
	files, main := v.view(req.Set)
	rules := 1 - main
	old := Finding{File: rules, Line: 1, Severity: finding.Warning, Rule: "old", Message: "known"}
	v.verdicts.use(factsKey(req))
	v.verdicts.put(files[rules].file.Digest, known{findings: []Finding{old}})
	v.verdicts.turn("utf8")
	q, err := v.question(req, files, main, nil)
	if err != nil || q.Files[rules].Size != Known {
		t.Fatalf("the verdict on %s is not known: %v", files[rules].user, err)
	}
	res, _ := v.result(q, &Answer{Scheme: "utf8", Findings: []Finding{old, {File: rules, Line: 2, Severity: finding.Error, Rule: "new", Message: "an error"}}}, files, req.Set)
	if len(res.Findings) != 2 || !finding.HasErrors(res.Findings) {
		t.Errorf("findings %+v", res.Findings)
	}

	liar := New(Options{Main: "/user/prometheus.yml", Program: script(t, `cat >/dev/null; echo '{"protocol":3,"broken":true}'`)})
	_, err = liar.Validate(t.Context(), request(oneFile))
	var e *JudgeError
	if !errors.As(err, &e) || e.Reason != confine.ReasonAnswer {
		t.Errorf("got %v", err)
	}
}
