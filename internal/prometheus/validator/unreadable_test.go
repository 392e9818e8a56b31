package validator

import (
	"strings"
	"syscall"
	"testing"
)

// A file that may not be read is not called missing, whichever directory is closed
// (https://github.com/stefanprodan/dockprom/issues/143, https://github.com/prometheus-operator/prometheus-operator/issues/3734);
// a file that is missing stays that.
func TestUnreadableIsNotMissing(t *testing.T) {
	old := canRead
	t.Cleanup(func() { canRead = old })
	canRead = func(path string) error {
		if strings.HasSuffix(path, "/tok") {
			return syscall.EACCES
		}
		return syscall.ENOENT
	}
	v := answering(t, `{"protocol":2,"expected":{},"items":[{"kind":"scrape job","name":"b"}],"findings":[`+
		`{"file":0,"line":1,"severity":"warning","rule":"prometheus-missing-file","message":"file \"/x/tok\" does not exist: without it the job is not scraped","hint":"h"},`+
		`{"file":0,"line":2,"severity":"warning","rule":"prometheus-missing-file","message":"file \"/x/gone\" does not exist","hint":"h"},`+
		`{"file":0,"line":3,"severity":"warning","rule":"prometheus-missing-file","message":"the directory \"/x/tok\" does not exist"}]}`)
	res, err := v.Validate(t.Context(), request(oneFile))
	if err != nil || len(res.Findings) != 3 {
		t.Fatalf("%+v, %v", res.Findings, err)
	}
	for i, want := range []string{"was not checked: permission denied", `"/x/gone" does not exist`, "the directory"} {
		if !strings.Contains(res.Findings[i].Message, want) {
			t.Errorf("it says %q, want %q", res.Findings[i].Message, want)
		}
	}
}
