package child

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"reloader/internal/confine"
	"reloader/internal/finding"
	"reloader/internal/grafana/driver"
	"reloader/internal/grafana/validation"
	"reloader/internal/grafana/validator"
)

// exitFailed is the exit code of a process that gives no answer.
const exitFailed = 3

// Serve answers the one question on stdin and returns the exit code. This is all that the process does.
func Serve(stdin io.Reader, stdout, stderr io.Writer) int {
	// A valid question needs no deeper recursion than this. A file that causes it gets no verdict.
	debug.SetMaxStack(64 << 20)
	req, err := readQuestion(stdin, func(q *question) {
		confine.Within(q.MemoryBytes)
		if len(q.Key) > 0 {
			finding.UseFingerprintKey(q.Key)
		}
		if q.TimeoutMillis > 0 {
			// The deadline must also apply when the parent is gone.
			time.AfterFunc(time.Duration(q.TimeoutMillis)*time.Millisecond, func() { os.Exit(exitFailed) })
		}
	})
	if err == nil {
		err = json.NewEncoder(stdout).Encode(judge(req))
	}
	if err != nil {
		fmt.Fprintf(stderr, "judge grafana files: %v\n", err)
		return exitFailed
	}
	return 0
}

func judge(req finding.Request) answer {
	res, err := driver.Expecting(validator.New(validation.Options{})).Validate(context.Background(), req)
	if err != nil {
		return answer{Error: err.Error()}
	}
	a := answer{Findings: finding.Bound(res.Findings), Outline: res.Outline, Done: true}
	a.Expected, _ = res.Expected.(*driver.Expected)
	return a
}
