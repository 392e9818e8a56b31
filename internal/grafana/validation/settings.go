package validation

import (
	"strconv"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/grafana/ini"
)

// Setting is the value of a key of grafana.ini on which the verdict on other files depends: of the running server
// where that is known, because a reload is judged by it, else of the file. Without set it is the default; without
// known, it cannot be told.
func (p *Pass) Setting(section, key string) (text string, set, known bool) {
	if p.Live != nil && p.Live.Settings != nil {
		text, set = p.Live.Settings[section+"."+key]
		return text, set, true
	}
	if p.Same {
		if text := p.Env.Lookup("GF_" + strings.ToUpper(section) + "_" + strings.ToUpper(key)); text != "" {
			return text, true, true
		}
	}
	s := p.Source(grafana.Ini)
	if s == nil {
		return "", false, false
	}
	for _, f := range s.Files {
		if !strings.HasSuffix(f.Name, ".ini") && len(s.Files) > 1 {
			continue
		}
		b, ok := s.Bytes(f.Name)
		if !ok {
			return "", false, false
		}
		return ini.Value(b, ini.Options{Version: p.Told, Env: p.Env}, section, key)
	}
	return "", false, false
}

// Whole is a setting that is a whole number; otherwise where it is not set, or no number.
func (p *Pass) Whole(section, key string, otherwise int) (n int, known bool) {
	text, set, known := p.Setting(section, key)
	if !set || !known {
		return otherwise, known
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return otherwise, true
	}
	return n, true
}

// LiveSettings are the keys of grafana.ini, as section.key, that Live.Settings may have.
func LiveSettings() []string {
	return []string{"folder.max_nested_folder_depth", "quota.enabled", "quota.global_alert_rule", "quota.global_dashboard", "quota.org_alert_rule", "unified_alerting.enabled"}
}
