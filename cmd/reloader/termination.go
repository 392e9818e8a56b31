package main

import (
	"os"
	"strings"
	"syscall"

	"reloader/internal/config"
)

// maxTermination is how much of a termination message the kubelet keeps, in bytes.
const maxTermination = 4096

// terminationFlag adds the flag for the file from which the kubelet reads why a container ended.
func terminationFlag(fs *flagSet) *string {
	path := fs.String("termination-log", "/dev/termination-log",
		"existing `FILE` to write the findings to when a server cannot start; the pod's terminationMessagePath")
	// It fails only for a flag that does not exist.
	_ = fs.SetAnnotation("termination-log", config.GroupAnnotation, []string{"General"})
	return path
}

// explainTermination writes the report where the kubelet reads it. It never creates the file, which exists only in
// containers.
func explainTermination(path, report string) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	if len(report) > maxTermination {
		report = strings.ToValidUTF8(report[:maxTermination], "")
	}
	// The report is also on standard output or in the log.
	_, _ = f.WriteString(report)
}
