package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reloader/internal/status"
)

// FuzzReport: whatever answers at the address, it is refused or can be shown, and nothing counts as
// live without a digest.
func FuzzReport(f *testing.F) {
	f.Add(`{"ready":true,"targets":[{"target":"prometheus","phase":"InSync","applied":true,"wanted":"` + strings.Repeat("ab", 32) + `","running":"` + strings.Repeat("ab", 32) + `"}]}`)
	f.Add(`{"targets":[{"phase":"Rejected","findings":[{"file":"a","line":-1,"severity":"error","message":"x\ny","hint":"z"}],"failure":{"message":"m"}}]}`)
	f.Add(`{"targets":[{"wanted":"12"}]}`)
	f.Add("[]")
	f.Fuzz(func(t *testing.T, body string) {
		report, err := readAnswer[status.Report](strings.NewReader(body), "status")
		if err != nil {
			if len(report.Targets) > 0 {
				t.Errorf("%+v beside %v", report, err)
			}
			return
		}
		for _, s := range report.Targets {
			var out bytes.Buffer
			printStatus(&out, s, time.Unix(0, 0))
			if out.Len() == 0 {
				t.Error("nothing is shown")
			}
			if live(s) && s.Running.IsZero() {
				t.Errorf("live without a digest: %+v", s)
			}
		}
	})
}
