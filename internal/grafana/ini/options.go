package ini

import (
	"reloader/internal/finding"
	"reloader/internal/grafana/expand"
)

// Options is what is known about the server that reads the file.
type Options struct {
	// File is the file's name in findings.
	File string
	// Version is the server's version ("12.4.0"); empty when unknown.
	Version string
	// Env looks up variables and files; its Same says that they are the server's.
	Env expand.Env
	// Running is what the server was last proven to run; nil when unknown.
	Running *finding.Outline
}
