package validator

import (
	"strings"
	"syscall"
	"testing"
)

// A file that reloader has no permission to read is not called missing, whichever directory is closed
// (https://github.com/stefanprodan/dockprom/issues/143, https://github.com/prometheus-operator/prometheus-operator/issues/3734);
// a missing file is.
func TestUnreadableIsNotMissing(t *testing.T) {
	old := canRead
	t.Cleanup(func() { canRead = old })
	canRead = func(path string) error {
		if strings.HasSuffix(path, "/tok") {
			return syscall.EACCES
		}
		return syscall.ENOENT
	}
	v := answering(t, `{"protocol":3,"expected":{},"items":[{"kind":"scrape job","name":"b"}],"findings":[`+
		`{"file":0,"line":1,"severity":"warning","rule":"prometheus-missing-file","message":"file \"/x/tok\" does not exist: without it the job is not scraped","hint":"h"},`+
		`{"file":0,"line":2,"severity":"warning","rule":"prometheus-missing-file","message":"file \"/x/gone\" does not exist","hint":"h"},`+
		`{"file":0,"line":3,"severity":"warning","rule":"prometheus-missing-file","message":"the directory \"/x/tok\" does not exist"}]}`)
	res, err := v.Validate(t.Context(), request(oneFile))
	if err != nil || len(res.Findings) != 3 {
		t.Fatalf("%+v, %v", res.Findings, err)
	}
	for i, want := range []string{"was not checked: permission denied", `"/x/gone" does not exist`, "the directory"} {
		if !strings.Contains(res.Findings[i].Message, want) {
			t.Errorf("the message is %q, want %q", res.Findings[i].Message, want)
		}
	}
}

// The finding about a main file that gives Prometheus nothing to do says what is missing in it. Only a file without contents is called empty.
func TestNothingToDoIsNotEmpty(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "the main file is empty", "# nothing\n---\n": "the main file is empty", "\r\n  \r\n": "the main file is empty",
		"scrape_configs: []\n": "has no scrape job", "rule_files: []\r\nscrape_configs:\r\n": "has no scrape job", "{}\n": "has no scrape job",
	} {
		res, err := answering(t, `{"protocol":3,"expected":{}}`).Validate(t.Context(), request(map[string]string{"prometheus.yml": text}))
		if err != nil || len(res.Findings) != 1 || res.Findings[0].Rule != GuardEmpty || !strings.Contains(res.Findings[0].Message, want) {
			t.Errorf("%q: %+v, %v", text, res.Findings, err)
		}
	}
}
