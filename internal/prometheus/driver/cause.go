package driver

import (
	"path"
	"slices"
	"time"

	"reloader/internal/prometheus/proof"
)

// evidence is what a look found that helps to find the cause.
type evidence struct {
	shown    uint64   // digest of the configuration that the server shows; 0 when it does not
	config   []string // differences of the configuration
	rules    []string // differences of rules
	missing  []string // rule files from which the server runs nothing
	poolless []string // scrape jobs without a pool
	jobs     []string // differences of jobs of scrape_config_files
	allJobs  bool     // all of these jobs were compared
	left     *left    // the server's values of settings that files may leave to it
	// jobsUncompared says what of these jobs could not be compared.
	jobsUncompared []string
	hidden         []string // rule files that the server runs and reloader cannot see
	allRules       bool     // all rules were compared
	elsewhere
}

// elsewhere is the directory as the user gave it (dir) and where the server really reads its files (server).
type elsewhere struct{ dir, server string }

// invisible describes the rule files that the server runs and reloader cannot see, and says what to do; empty without any.
func (e evidence) invisible() (what, hint string) {
	if len(e.hidden) == 0 {
		return "", ""
	}
	dirs := []string{}
	for _, f := range e.hidden {
		if d := path.Dir(f); !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	return proof.Counted(len(e.hidden), "rule file") + " that the server runs from " + summary(dirs) + ": not visible to reloader",
		"mount that into reloader's container too, at the same path or with --prometheus-dir DIR=SERVERDIR; until then changes to these files are neither checked nor reloaded"
}

// misread finds a directory that the server reads under another path than the user gave: the server runs files of the same
// names from there. Then nothing shows that the server runs the files that reloader sees.
func (ev *evidence) misread(e *proof.Expected, l *look) {
	candidates := map[string][]string{} // the directory by its supposed path on the server: its files
	for _, u := range e.Unread {
		candidates[u.Dir] = u.Files
	}
	for _, f := range ev.missing {
		dir := path.Dir(proof.Path(f))
		candidates[dir] = append(candidates[dir], path.Base(f))
	}
	for _, hidden := range ev.hidden {
		for dir, files := range candidates {
			if slices.Contains(files, path.Base(hidden)) {
				ev.elsewhere = elsewhere{dir, path.Dir(hidden)}
				l.differences = append(l.differences, "rule file "+hidden+": the server reads it, not "+path.Join(dir, path.Base(hidden)))
				return
			}
		}
	}
}

// lookAtPath compares the path of the main file. If it differs but the contents are the same, the server runs the right
// contents now, and the verdict notes the path because the next change may not reach the server.
func (d *Driver) lookAtPath(l *look, p plan) {
	if !d.otherPath() || len(l.differences) > 0 {
		return
	}
	if len(l.compared) == 0 || l.evidence.shown == 0 {
		l.differences = append(l.differences, d.paths())
		return
	}
	l.leaveOut("path of the main file", d.paths()+"; their contents are the same now")
}

func (d *Driver) paths() string {
	return "the server reads --config.file=" + d.serverFile + ", not " + d.o.ConfigFile
}

func (d *Driver) otherPath() bool {
	return d.o.ConfigFile != "" && path.IsAbs(d.serverFile) && path.Clean(proof.Path(d.serverFile)) != path.Clean(proof.Path(d.o.ConfigFile))
}

// cause says why the server most likely runs something else, and what to do.
func (d *Driver) cause(p plan, l look) string {
	ev := l.evidence
	user := d.o.UserFile
	if user == "" {
		user = d.o.ConfigFile
	}
	const single = "Most likely its container mounts the file with subPath or as a single file, and such a mount never changes: " +
		"mount the directory instead (volumeMounts without subPath) and restart the server"
	switch {
	case ev.elsewhere != elsewhere{}:
		return "the server reads its rules from " + ev.server + ": write --prometheus-dir DIR=" + ev.server + ", where DIR is the directory that reloader sees (given as " + ev.dir + ")"
	case len(ev.config) > 0 && d.otherPath():
		return d.paths() + ": write --prometheus-config " + user + "=" + d.serverFile + " if that is the same file, or start the server with --config.file=" + d.o.ConfigFile
	case len(ev.config) > 0 && p.expected != nil:
		if until, ok := d.memory.stale(p.expected.Text, ev.shown); ok {
			return "the server still runs what was in the main file until " + until.UTC().Format(time.RFC3339) + ". " + single
		}
		return "the server loaded " + d.serverFile + ", and its contents differ from what reloader sees. " + single
	case len(ev.poolless) > 0:
		return "Prometheus could not create the scrape pool, most likely because it cannot use a certificate, key or CA file of the job; its log says why (\"error creating new scrape pool\"). Fix the file; the reload then happens by itself"
	case len(ev.jobs) > 0:
		return "the server's container has other files of scrape_config_files than reloader sees under the same path: mount the same volume in both containers, as a directory and without subPath"
	case len(ev.missing) > 0:
		return "the server sees none of the rule files in " + path.Dir(ev.missing[0]) + ": mount their volume into the server's container as well, at this path"
	case len(ev.rules) > 0:
		return "the server's container has other rule files than reloader sees under the same path: mount the same volume in both containers, as a directory and without subPath"
	case d.otherPath():
		return "write --prometheus-config " + user + "=" + d.serverFile + ", or start the server with --config.file=" + d.o.ConfigFile
	}
	return ""
}

// memory is what the driver remembers of earlier files and looks: digests and times.
type memory struct {
	planned        []past
	provenText     uint64 // of the files last proven
	provenShow     uint64 // what the server showed then
	shown          []past // what the server showed at proofs
	rulesEpoch     string // the epoch in which all rules were compared
	rulesLoad      string // the load after which they were compared
	invisible      []string
	jobsEpoch      string // the same for the jobs of scrape_config_files
	jobsLoad       string
	jobsUncompared []string
	left           *left     // of the newest proof
	severalAt      time.Time // when several servers were seen
	again          *plan     // what to compare once more at againAt; nil: nothing
	againOf        runtime   // the proven load
	againAt        time.Time
}

// past is a digest and the time since when it was the newest one.
type past struct {
	sum uint64
	at  time.Time
}

// maxPast is how many earlier configurations are remembered.
const maxPast = 8

func remember(list []past, sum uint64, at time.Time) []past {
	if sum == 0 || len(list) > 0 && list[len(list)-1].sum == sum {
		return list
	}
	if len(list) >= maxPast {
		list = list[1:]
	}
	return append(slices.Clip(list), past{sum, at})
}

func (m *memory) plan(text uint64, at time.Time) { m.planned = remember(m.planned, text, at) }

// proven records a proof.
func (m *memory) proven(p plan, l look, now runtime) {
	if l.evidence.allRules {
		m.rulesEpoch, m.rulesLoad, m.invisible = now.epoch(), now.load(), l.evidence.hidden
	}
	if l.evidence.allJobs {
		m.jobsEpoch, m.jobsLoad, m.jobsUncompared = now.epoch(), now.load(), l.evidence.jobsUncompared
	}
	m.again = nil
	if p.expected != nil && now.ServerTime.Sub(now.LastConfigTime) < sameSecond {
		m.again, m.againOf, m.againAt = &p, now, time.Now().Add(againAfter)
	}
	if p.expected != nil && l.evidence.shown != 0 {
		if l.evidence.left != nil {
			m.left = l.evidence.left
		}
		m.provenText, m.provenShow = p.expected.Text, l.evidence.shown
		m.shown = remember(m.shown, l.evidence.shown, time.Now())
	}
}

// showsJobs reports whether this run of the server has shown all jobs of scrape_config_files completely.
func (m *memory) showsJobs(now runtime) bool {
	return m.jobsEpoch == now.epoch() && len(m.jobsUncompared) == 0
}

// stale reports whether the server shows an earlier configuration, and until when that was the newest one.
func (m *memory) stale(wanted, shown uint64) (until time.Time, ok bool) {
	for _, list := range [][]past{m.planned, m.shown} {
		for i := len(list) - 2; i >= 0; i-- {
			if list[i].sum == shown && shown != wanted {
				return list[i+1].at, true
			}
		}
	}
	if n := len(m.planned); n > 0 && len(m.shown) > 0 && m.shown[len(m.shown)-1].sum == shown && m.provenText != wanted {
		return m.planned[n-1].at, true
	}
	return time.Time{}, false
}

// unmoved reports whether the server shows the same as at the last proof although the files now mean another configuration.
func (m *memory) unmoved(wanted, shown uint64) bool {
	return m.provenShow != 0 && m.provenShow == shown && m.provenText != wanted
}
