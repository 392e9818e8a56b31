package main

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/internal/snapshot"
)

// BenchmarkValidate measures a verdict, including the start of the process, on n rule files, one of them changed.
func BenchmarkValidate(b *testing.B) {
	program := filepath.Join(b.TempDir(), "promcheck")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-ldflags=-s -w", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("build promcheck: %v\n%s", err, out)
	}
	for _, n := range []int{1, 1000, 10000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			v := validator.New(validator.Options{Main: "/user/prometheus.yml", Program: program})
			files := map[string][]byte{"prometheus.yml": []byte(goodMain)}
			for i := range n {
				files[strconv.Itoa(i)+".rules"] = []byte(rulesFile(strconv.Itoa(i)))
			}
			src := snapshot.Source{Name: "config", Dir: "/user", ServerDir: "/etc/prometheus"}
			ask := func(set *snapshot.Set) {
				res, err := v.Validate(b.Context(), finding.Request{Set: set})
				if err != nil || len(res.Findings) > 0 || res.Outline.Count(validator.KindGroup) != n {
					b.Fatalf("%v, %v", err, res.Findings)
				}
			}
			ask(snapshot.NewSet(snapshot.FromFiles(src, files)))
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				now := maps.Clone(files)
				now["0.rules"] = []byte(rulesFile("0") + "# " + strconv.Itoa(i) + "\n")
				set := snapshot.NewSet(snapshot.FromFiles(src, now))
				b.StartTimer()
				ask(set)
			}
		})
	}
}
