package validator

import (
	"strings"

	"reloader/internal/grafana/ini"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// checkIni judges grafana.ini: the files of its source that end in .ini, or its only file.
func checkIni(p *validation.Pass, s *snapshot.Snapshot) {
	if s == nil {
		return
	}
	for _, f := range s.Files {
		if !strings.HasSuffix(f.Name, ".ini") && len(s.Files) > 1 {
			continue
		}
		b, ok := s.Bytes(f.Name)
		if !ok {
			p.Err = validation.Unavailable(s, f.Name)
			return
		}
		for _, found := range ini.Check(b, ini.Options{File: s.Source.UserPath(f.Name), Version: p.Told, Env: p.Env, Running: p.Running}) {
			p.Keep(found)
		}
		p.Outline = append(p.Outline, ini.Outline(b)...)
	}
}
