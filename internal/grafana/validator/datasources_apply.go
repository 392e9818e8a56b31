package validator

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

var (
	ruleDSUIDDuplicate  = validation.NewLastingRule("datasource-uid-duplicate")
	ruleDSUIDTaken      = validation.NewLastingRule("datasource-uid-taken")
	ruleDSUIDChanged    = validation.NewLastingRule("datasource-uid-changed")
	ruleDSNameDuplicate = validation.NewRule("datasource-name-duplicate")
	ruleDSDeletedLater  = validation.NewRule("datasource-deleted-later")
	guardDSRenamed      = validation.NewRule("guard-datasource-renamed")
	guardDSUIDChanged   = validation.NewRule("guard-datasource-uid-changed")
)

// origin says how a data source is known.
type origin uint8

const (
	fromFiles   origin = iota + 1 // from these files
	fromRunning                   // from the files that the server was last proven to run
	fromLive                      // from the server itself
)

// orgKey identifies something in one organization by its name, uid or title.
type orgKey struct {
	org  int64
	name string
}

// dsRow is a data source as the server would store it at one moment of the reload.
type dsRow struct {
	uid      string
	uidKnown bool
	// prunable says that it was last written under prune.
	prunable bool
	origin   origin
}

// dsState simulates the writes of a reload.
type dsState struct {
	p    *validation.Pass
	rows map[orgKey]*dsRow
	// uids maps the organization and uid of a row to its key in rows.
	uids map[orgKey]orgKey
	// unknownUIDs counts the rows of each organization whose uid is not known.
	unknownUIDs map[int64]int
	// unknownMarks says that it is not known which data sources were written under prune.
	unknownMarks bool
}

func (s *dsState) put(key orgKey, row *dsRow) {
	s.remove(key)
	s.rows[key] = row
	if row.uidKnown {
		s.uids[orgKey{key.org, row.uid}] = key
	} else {
		s.unknownUIDs[key.org]++
	}
}

func (s *dsState) remove(key orgKey) {
	row := s.rows[key]
	if row != nil && s.uids[orgKey{key.org, row.uid}] == key {
		delete(s.uids, orgKey{key.org, row.uid})
	}
	if row != nil && !row.uidKnown {
		s.unknownUIDs[key.org]--
	}
	delete(s.rows, key)
}

// applyDatasources simulates a reload, entry by entry, and reports where it would fail.
func applyDatasources(p *validation.Pass, files []*dsFile) {
	s := &dsState{p: p, rows: map[orgKey]*dsRow{}, uids: map[orgKey]orgKey{}, unknownUIDs: map[int64]int{}}
	s.load()
	s.prune(files)
	for _, f := range files {
		for _, d := range f.deletes {
			if key, ok := s.key(d.name, d.org); ok {
				s.remove(key)
			}
		}
		for _, e := range f.entries {
			s.write(e)
		}
		if p.Version.Before(validation.V10) {
			s.correlations(f)
		}
	}
	s.deletedLater(files)
	if p.Version.AtLeast(validation.V10) {
		for _, f := range files {
			s.correlations(f)
		}
	}
}

// load starts from what exists: what the server reported, otherwise what it was last proven to run.
func (s *dsState) load() {
	marks := map[orgKey]bool{}
	for _, i := range s.p.Before(itemDatasource) {
		key := itemKey(i)
		marks[key] = i.Attrs["prune"] == "true"
		if s.p.Live == nil || s.p.Live.Datasources == nil {
			s.put(key, &dsRow{uid: i.Attrs["uid"], uidKnown: i.Attrs["uid"] != "", prunable: marks[key], origin: fromRunning})
		}
	}
	s.unknownMarks = s.p.Running == nil
	if s.p.Live == nil {
		return
	}
	for _, d := range s.p.Live.Datasources {
		key := orgKey{d.OrgID, d.Name}
		s.put(key, &dsRow{uid: d.UID, uidKnown: true, prunable: marks[key], origin: fromLive})
	}
}

// text identifies a value. If the server was asked, it is the expanded text. Otherwise it is the
// text as written, so that two equal variables count as equal.
func (s *dsState) text(v provisioning.Value) (string, bool) {
	if s.p.Live == nil || s.p.Live.Datasources == nil {
		return validation.Label(v), true
	}
	return v.Text, v.Known
}

func (s *dsState) key(name provisioning.Value, org int64) (orgKey, bool) {
	t, ok := s.text(name)
	return orgKey{org, t}, ok && org != 0 && t != ""
}

// prune removes rows that were written under prune and that no file names, before anything is written.
func (s *dsState) prune(files []*dsFile) {
	if s.p.Version.Before(validation.V11) {
		return
	}
	named := map[orgKey]bool{}
	for _, f := range files {
		for _, e := range f.entries {
			if key, ok := s.key(e.name, e.org); ok {
				named[key] = true
			}
		}
		for _, d := range f.deletes {
			if key, ok := s.key(d.name, d.org); ok {
				named[key] = true
			}
		}
	}
	for key, row := range s.rows {
		if row.prunable && !named[key] {
			s.remove(key)
		}
	}
}

func (s *dsState) write(e *dsEntry) {
	key, ok := s.key(e.name, e.org)
	if !ok {
		return
	}
	p := s.p
	uid, uidKnown := s.text(e.uid)
	row, exists := s.rows[key]
	if exists && row.origin == fromFiles {
		p.Warnf(e.at, ruleDSNameDuplicate, "remove one of them", "these files already have a data source with this name: the last one wins")
	}
	if exists && uidKnown && uid != "" && row.uidKnown && row.uid != uid && !s.changeUID(e, row) {
		return
	}
	if uid != "" && uidKnown {
		if other, otherRow := s.holder(key, uid); otherRow != nil {
			s.clash(e, key, other, otherRow)
			return
		}
	}
	s.store(e, key, row, uid, uidKnown)
}

func (s *dsState) store(e *dsEntry, key orgKey, row *dsRow, uid string, uidKnown bool) {
	next := dsRow{prunable: e.prune, origin: fromFiles}
	if row != nil {
		next.uid, next.uidKnown = row.uid, row.uidKnown
	} else if uid == "" && uidKnown {
		if uidKnown = s.p.Version.AtLeast(validation.V9); uidKnown { // before, it is random
			uid = GeneratedUID(key.name)
		}
	}
	if uid != "" || next.uid == "" {
		next.uid, next.uidKnown = uid, uidKnown && uid != ""
	}
	s.put(key, &next)
}

// GeneratedUID is the uid that Grafana 9 and later give a data source whose entry has none.
func GeneratedUID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return strings.ToUpper(fmt.Sprintf("P%x", sum[:8]))
}

// changeUID reports a changed uid and says whether Grafana would still write the entry.
func (s *dsState) changeUID(e *dsEntry, row *dsRow) bool {
	p := s.p
	at := e.file.At(e.uid.Node)
	hint := "keep the old uid, or delete the old one first:\n" + deleteBlock(validation.Label(e.name), e.org)
	written := p.Version.Before(validation.V12)
	effect, report := "dashboards and rules that use the old one break", p.Warnf
	if !written {
		effect, report = "Grafana fails with 'data source not found' and no longer starts", p.Errorf
	}
	rule := ruleDSUIDChanged
	if row.origin == fromRunning {
		rule, report = guardDSUIDChanged, p.Guard
	}
	report(at, rule, hint, "the uid of this data source changes: %s", effect)
	return written
}

// holder finds another data source of the organization with that uid.
func (s *dsState) holder(self orgKey, uid string) (orgKey, *dsRow) {
	key, ok := s.uids[orgKey{self.org, uid}]
	if !ok || key == self {
		return orgKey{}, nil
	}
	return key, s.rows[key]
}

func (s *dsState) clash(e *dsEntry, key, other orgKey, row *dsRow) {
	p := s.p
	at := e.file.At(e.uid.Node)
	hint := "use another uid, or, if this one replaces it, delete the old one first:\n" + deleteBlock(other.name, other.org)
	switch {
	case row.origin == fromFiles:
		p.Errorf(at, ruleDSUIDDuplicate, "use another uid", "another data source in these files has this uid: Grafana fails here, and earlier entries stay applied")
	case row.origin == fromRunning:
		p.Guard(at, guardDSRenamed, hint, "the data source %q has this uid: was it renamed? Grafana fails here, keeps failing, and no longer starts", other.name)
	case s.unknownMarks && e.prune:
		p.Warnf(at, ruleDSUIDTaken, hint, "the data source %q has this uid; if it was not provisioned with prune, Grafana fails here and no longer starts", other.name)
	default:
		p.Errorf(at, ruleDSUIDTaken, hint, "the data source %q already has this uid: Grafana fails here, keeps failing, and no longer starts", other.name)
	}
}

// deleteBlock is the text to add to a file.
func deleteBlock(name string, org int64) string {
	return fmt.Sprintf("deleteDatasources: [{name: %q, orgId: %d}]", name, max(org, 1))
}

// deletedLater finds entries that a later file deletes again.
func (s *dsState) deletedLater(files []*dsFile) {
	last := map[orgKey]int{}
	for i, f := range files {
		for _, d := range f.deletes {
			if key, ok := s.key(d.name, d.org); ok {
				last[key] = i
			}
		}
	}
	for i, f := range files {
		for _, e := range f.entries {
			key, ok := s.key(e.name, e.org)
			if j, deleted := last[key]; !ok || !deleted || j <= i || s.rows[key] != nil {
				continue
			}
			by := files[last[key]].file.Path
			if s.p.Version.AtLeast(validation.V10) {
				s.p.Errorf(e.at, ruleDSDeletedLater, "delete first: put the delete entry into an earlier file or into this one", "%s deletes this data source again: Grafana fails with 'data source not found'", by)
			} else {
				s.p.Warnf(e.at, ruleDSDeletedLater, "delete first: put the delete entry into an earlier file or into this one", "%s deletes this data source again", by)
			}
		}
	}
}

func (s *dsState) correlations(f *dsFile) {
	for _, e := range f.entries {
		checkCorrelations(s.p, e, func(uid string) (bool, bool) {
			if _, there := s.uids[orgKey{e.org, uid}]; there {
				return true, true
			}
			return false, s.p.Live != nil && s.p.Live.Datasources != nil && s.unknownUIDs[e.org] == 0 && e.org != 0
		})
	}
}
