package grafana

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/snapshot"
	"reloader/internal/sources"
)

// Sources are the sources of a Grafana: one for each kind's directory in the provisioning directory, which
// may be a mount of its own or not exist, and "grafana-ini" for the ini file. Empty arguments mean none.
func Sources(provisioning, ini string) []snapshot.Source {
	var out []snapshot.Source
	if provisioning != "" {
		for _, kind := range Kinds {
			out = append(out, snapshot.Source{Name: kind.Name, Dir: filepath.Join(provisioning, kind.Name), Part: "provisioning"})
		}
	}
	if ini != "" {
		out = append(out, snapshot.Source{Name: Ini, Dir: filepath.Dir(ini), Include: []string{sources.Literal(filepath.Base(ini))}})
	}
	return out
}

// DigestDir is the digest of a directory as the status of a running reloader shows it. For a provisioning directory,
// it covers what Grafana reads: directories other than those of the kinds do not count.
func DigestDir(s *snapshot.Snapshot) snapshot.Digest {
	var read []snapshot.File
	for _, f := range s.Files {
		kind, _, below := strings.Cut(f.Name, "/")
		switch {
		case below && isKind(kind):
			read = append(read, f)
		case !below && slices.Contains([]string{".yml", ".yaml", ".json", ".rules"}, path.Ext(f.Name)):
			return s.Digest // a directory with such files is not a provisioning directory
		}
	}
	if len(read) == 0 {
		return s.Digest
	}
	return snapshot.JoinDigest(read)
}
