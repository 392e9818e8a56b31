package check

import (
	"os"

	"reloader/internal/inject"
)

// checkManifest finds mounts in a Kubernetes manifest that would never change.
func checkManifest(file string) Result {
	c := Result{Name: file}
	src, err := os.ReadFile(file)
	if err == nil {
		c.Findings = inject.Check(file, src)
	}
	c.Err = err
	return c
}
