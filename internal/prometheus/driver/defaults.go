package driver

import (
	"slices"
	"strings"

	"reloader/internal/prometheus/proof"
)

// The settings that a file may leave to the server's flags and environment, as proof.Expected.Wild names them.
const (
	wildGC        = "runtime.gogc"
	wildLogLevel  = "runtime.log_level"
	wildRetention = "storage.tsdb.retention"
)

// defaultGC is Prometheus' value without GOGC: config.DefaultGoGCPercentage.
const defaultGC = "75"

// left is what a server showed of the settings that files may leave to it, and which of them the files left.
type left struct {
	shown map[string]string
	wild  []string
	// kept means that the files no longer set the retention and the server kept the old value.
	kept bool
}

// lookAtDefaults checks the settings that the files leave to the server: the server may still run an old file that sets
// them. The flag shows the log level. The flag of the retention shows what the file said at the start, and no
// request shows the environment. So a doubtful value of these two is reported as not compared.
func (d *Driver) lookAtDefaults(e *proof.Expected, yaml string, l *look) {
	now := left{shown: proof.Shown(yaml, []string{wildGC, wildLogLevel, wildRetention}), wild: e.Wild}
	l.evidence.left = &now
	if !d.sameVersion(e) {
		return // another version may have other defaults
	}
	if level, ok := now.shown[wildLogLevel]; ok && slices.Contains(e.Wild, wildLogLevel) && d.logLevel != "" && level != d.logLevel {
		l.evidence.config = append(l.evidence.config, `section "runtime" differs in log_level: the files leave it to --log.level, which is another`)
	}
	if gc := now.values(wildGC); slices.Contains(e.Wild, wildGC) && gc != "" && gc != defaultGC {
		l.leaveOut(wildGC, "the files leave it to the server, which has "+gc+" from its environment (GOGC) or from another file")
	}
	if before := d.memory.left; before != nil && slices.Contains(e.Wild, wildRetention) && before.values(wildRetention) == now.values(wildRetention) {
		now.kept = !slices.Contains(before.wild, wildRetention) || before.kept
	}
	if now.kept {
		l.leaveOut(wildRetention, "the files no longer set it, and the server has what they said before: from its flags or from an old file")
	}
}

// values joins what is shown at a path and below it.
func (s *left) values(path string) string {
	value := s.shown[path]
	for _, key := range []string{"time", "size", "percentage"} {
		if v, ok := s.shown[path+"."+key]; ok {
			value = strings.TrimSpace(value + " " + key + " " + v)
		}
	}
	return value
}
