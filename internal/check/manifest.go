package check

import (
	"reloader/internal/finding"
	"reloader/internal/inject"
	"reloader/internal/snapshot"
)

// checkManifest finds mounts in a Kubernetes manifest that would never change.
func checkManifest(file string) Result {
	c := Result{Name: file}
	src, err := snapshot.ReadFile(file, snapshot.Limits{MaxFileSize: inject.MaxSize})
	if err == nil {
		c.Findings = finding.Bound(inject.Check(file, src))
	}
	c.Err = err
	return c
}
