package validator

import (
	"strings"

	"reloader/internal/grafana/ini"
	"reloader/internal/snapshot"
)

// checkIni judges grafana.ini: the files of its source that end in .ini, or its only file.
func checkIni(p *validation, s *snapshot.Snapshot) {
	if s == nil {
		return
	}
	for _, f := range s.Files {
		if !strings.HasSuffix(f.Name, ".ini") && len(s.Files) > 1 {
			continue
		}
		b, ok := s.Bytes(f.Name)
		if !ok {
			p.err = errForgotten(s, f.Name)
			return
		}
		for _, found := range ini.Check(b, ini.Options{File: s.Source.UserPath(f.Name), Version: p.told, Env: p.env, Running: p.running}) {
			p.keep(found)
		}
		p.outline = append(p.outline, ini.Outline(b)...)
	}
}
