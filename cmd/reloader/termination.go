package main

import (
	"os"
	"strings"
	"syscall"

	"reloader/internal/config"
)

// maxTermination is as much as the kubelet keeps of a termination message, in bytes.
const maxTermination = 4096

// terminationFlag adds the flag that says where the kubelet reads why a container ended.
func terminationFlag(fs *flagSet) *string {
	path := fs.String("termination-log", "/dev/termination-log",
		"existing `FILE` to write the findings to when a server cannot start; the pod's terminationMessagePath")
	// It fails only for a flag that does not exist.
	_ = fs.SetAnnotation("termination-log", config.GroupAnnotation, []string{"General"})
	return path
}

// explainTermination leaves the report where the kubelet reads it. The file exists in containers only,
// so that it is never made.
func explainTermination(path, report string) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	if len(report) > maxTermination {
		report = strings.ToValidUTF8(report[:maxTermination], "")
	}
	// The report is on the standard output or in the log too.
	_, _ = f.WriteString(report)
}
