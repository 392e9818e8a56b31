package validation

import (
	"strconv"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/grafana/ini"
)

// Setting is the value of a key of grafana.ini on which the verdict on other files depends. It is the value of the running
// server if that is known, because a reload uses it, else the value in the file. set is false for the default; known is false
// if neither the server nor the file tells.
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

// Whole is a setting that is a whole number; fallback is used when it is not set or not a number.
func (p *Pass) Whole(section, key string, fallback int) (n int, known bool) {
	text, set, known := p.Setting(section, key)
	if !set || !known {
		return fallback, known
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return fallback, true
	}
	return n, true
}

// LiveSettings are the keys of grafana.ini, as section.key, that Live.Settings may contain.
func LiveSettings() []string {
	return []string{"dashboards.min_refresh_interval", "folder.max_nested_folder_depth", "quota.enabled", "quota.global_alert_rule", "quota.global_dashboard", "quota.org_alert_rule", "unified_alerting.enabled"}
}
