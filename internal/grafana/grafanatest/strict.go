package grafanatest

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// What the real server refuses. Where the real one fails halfway through writing, this one fails before it writes:
// what a reload has done that was answered with 500 is unknown in both cases.

var errRefused = errors.New("refused")

func refusedBecause(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errRefused}, args...)...)
}

// fieldKinds has the kind of value that each field must have.
type fieldKinds map[string]string

var (
	datasourceFields = fieldKinds{"name": "text", "type": "text", "uid": "uid", "url": "text", "access": "text", "orgId": "whole", "editable": "bool",
		"isDefault": "bool", "basicAuth": "bool", "withCredentials": "bool", "jsonData": "map", "secureJsonData": "texts", "correlations": "list", "version": "whole"}
	providerFields = fieldKinds{"name": "text", "type": "text", "orgId": "whole", "folder": "text", "folderUid": "text", "updateIntervalSeconds": "whole",
		"disableDeletion": "bool", "allowUiUpdates": "bool", "options": "map"}
	appFields   = fieldKinds{"type": "text", "org_id": "whole", "org_name": "text", "disabled": "bool", "jsonData": "map", "secureJsonData": "texts"}
	uidForm     = regexp.MustCompile(`^[a-zA-Z0-9_-]{0,40}$`)
	wholeForm   = regexp.MustCompile(`^[+-]?[0-9]+$`)
	fileForm    = regexp.MustCompile(`\$__file\{([^}]*)\}`)
	matcherForm = regexp.MustCompile(`^\s*[^=!~]+(=~|!~|!=|=)`)
)

// check returns an error if a field of an entry has the wrong kind of value.
func (k fieldKinds) check(e map[string]any) error {
	for name, v := range e {
		if v == nil || k[name] == "" {
			continue
		}
		_, isMap := v.(map[string]any)
		_, isList := v.([]any)
		if _, odd := v.(map[any]any); odd {
			isMap = true
		}
		word := fmt.Sprint(v)
		ok := !isMap && !isList
		switch k[name] {
		case "map":
			ok = isMap
		case "list":
			ok = isList
		case "bool":
			_, err := strconv.ParseBool(os.ExpandEnv(word))
			ok = ok && err == nil
		case "whole":
			word = os.ExpandEnv(word)
			ok = ok && (word == "" || wholeForm.MatchString(word))
		case "uid":
			ok = ok && uidForm.MatchString(word)
		case "texts":
			ok = isMap
			for _, item := range asMap(v) {
				ok = ok && asMap(item) == nil && asList(item) == nil
			}
		}
		if !ok {
			return refusedBecause("%s is not of the kind %s", name, k[name])
		}
		if err := filesIn(v); err != nil {
			return err
		}
	}
	return nil
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// filesIn returns an error if $__file{} names a file that cannot be read.
func filesIn(v any) error {
	switch v := v.(type) {
	case string:
		for _, m := range fileForm.FindAllStringSubmatch(v, -1) {
			if _, err := os.ReadFile(m[1]); err != nil {
				return refusedBecause("%v", err)
			}
		}
	case map[string]any:
		for _, item := range v {
			if err := filesIn(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// lists returns an error if one of the keys is not a list.
func lists(doc map[string]any, keys ...string) error {
	for _, key := range keys {
		if _, ok := doc[key].([]any); doc[key] != nil && doc[key] != "" && !ok {
			return refusedBecause("%s is not a list", key)
		}
	}
	return nil
}

// version returns an error if the file's apiVersion is not a number. Grafana ignores it in alerting files.
func version(doc map[string]any) error {
	if v, ok := doc["apiVersion"]; ok && !wholeForm.MatchString(fmt.Sprint(v)) {
		return refusedBecause("apiVersion is not a number")
	}
	return nil
}

// refuses returns why the files of a kind are refused; nil if they are not.
func (s *Server) refuses(kind string, files []map[string]any) error {
	for _, doc := range files {
		var err error
		if kind != "alerting" {
			if err := version(doc); err != nil {
				return err
			}
		}
		switch kind {
		case "datasources":
			err = s.refusesDatasources(doc, files)
		case "dashboards":
			err = s.refusesProviders(doc)
		case "plugins":
			err = s.refusesApps(doc)
		case "alerting":
			err = s.refusesAlerting(doc, files)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) refusesDatasources(doc map[string]any, files []map[string]any) error {
	if err := lists(doc, "datasources", "deleteDatasources"); err != nil {
		return err
	}
	if v, ok := doc["apiVersion"].(int); !ok || v < 1 {
		return nil // the old form has other keys
	}
	entries, err := list(doc, "datasources")
	for _, e := range entries {
		if err := datasourceFields.check(e); err != nil {
			return err
		}
		correlations, err := list(e, "correlations")
		if err != nil {
			return err
		}
		for _, c := range correlations {
			for _, key := range []string{"label", "description"} {
				if _, ok := c[key].(string); !ok {
					return refusedBecause("a correlation has no %s", key)
				}
			}
			target, ok := c["targetUID"].(string)
			if c["type"] == "external" && c["targetUID"] == nil {
				continue
			}
			if !ok || !s.hasDatasource(files, target) {
				return refusedBecause("a correlation has no target")
			}
		}
	}
	return err
}

// hasDatasource reports whether the files or the server may have a data source with this uid.
func (s *Server) hasDatasource(files []map[string]any, uid string) bool {
	for _, doc := range files {
		entries, _ := list(doc, "datasources")
		if slices.ContainsFunc(entries, func(e map[string]any) bool { return text(e, "uid") == uid || text(e, "uid") == "" }) {
			return true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ds := range s.state.datasources {
		if ds["uid"] == uid {
			return true
		}
	}
	return false
}

func (s *Server) refusesProviders(doc map[string]any) error {
	if err := lists(doc, "providers"); err != nil {
		return err
	}
	entries, err := list(doc, "providers")
	names := map[string]bool{}
	for _, p := range entries {
		if err := providerFields.check(p); err != nil {
			return err
		}
		name, options := text(p, "name"), asMap(p["options"])
		switch {
		case name != "" && names[name]:
			return refusedBecause("two providers are called %s", name)
		case !s.hasOrg(org(p)):
			return refusedBecause("there is no organization %d", org(p))
		case options["foldersFromFilesStructure"] == true && text(p, "folder") != "" && text(p, "folderUid") != "":
			return refusedBecause("folder and folderUid together with foldersFromFilesStructure")
		}
		names[name] = true
	}
	return err
}

func (s *Server) refusesApps(doc map[string]any) error {
	if err := lists(doc, "apps"); err != nil {
		return err
	}
	entries, err := list(doc, "apps")
	for _, a := range entries {
		if err := appFields.check(a); err != nil {
			return err
		}
		if name := text(a, "org_name"); name != "" && name != "Org" { // the name of all organizations here
			return refusedBecause("there is no organization %s", name)
		}
	}
	return err
}

// duration reports whether a value is a duration as Prometheus writes it, or missing.
func duration(v any) bool {
	word := fmt.Sprint(v)
	if v == nil || word == "0" {
		return true
	}
	word = strings.NewReplacer("d", "h", "w", "h", "y", "h").Replace(word)
	_, err := time.ParseDuration(word)
	return err == nil
}

// parses reports whether a notification template can be parsed, with the functions that those have.
func parses(text string) bool {
	functions := template.FuncMap{}
	for _, name := range []string{"toUpper", "toLower", "title", "trimSpace", "join", "match", "reReplaceAll", "stringSlice", "safeHtml", "safeUrl", "urlUnescape", "date", "tz", "since", "humanizeDuration", "toJson", "coll", "data", "tmpl", "time"} {
		functions[name] = func(...any) string { return "" }
	}
	_, err := template.New("").Funcs(functions).Parse(text)
	return err == nil
}
