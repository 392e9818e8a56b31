package grafanatest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// boolean returns a boolean field, which may also be written as a string.
func boolean(e map[string]any, key string) bool {
	b, _ := strconv.ParseBool(text(e, key))
	return b
}

// writeCorrelations replaces the provisioned correlations after all data sources were written.
func (s *Server) writeCorrelations(ctx context.Context, files []map[string]any) error {
	for _, doc := range files {
		entries, _ := list(doc, "datasources")
		for _, e := range entries {
			correlations, err := list(e, "correlations")
			if err != nil {
				return err
			}
			if err := s.write(ctx, func(st *state) {
				uid, _ := st.datasources[orgName{org(e), text(e, "name")}]["uid"].(string)
				key := orgName{org(e), uid}
				st.correlations[key] = nil
				for _, c := range correlations {
					shown := map[string]any{"sourceUID": uid, "targetUID": c["targetUID"], "label": c["label"], "description": c["description"],
						"type": "query", "provisioned": true, "orgId": key.org, "config": c["config"]}
					if c["type"] == "external" {
						shown["type"] = "external"
					}
					st.correlations[key] = append(st.correlations[key], shown)
				}
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) provisionDatasources(ctx context.Context, files []map[string]any) error {
	defaults := map[int64]int{}
	for _, doc := range files {
		entries, err := list(doc, "datasources")
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !s.hasOrg(org(e)) {
				return fmt.Errorf("organization %d not found", org(e))
			}
			if d, _ := e["isDefault"].(bool); d {
				defaults[org(e)]++
				if defaults[org(e)] > 1 {
					return errors.New("only one datasource per organization can be marked as default")
				}
			}
		}
	}
	if err := s.prune(ctx, files); err != nil {
		return err
	}
	for _, doc := range files {
		deletes, err := list(doc, "deleteDatasources")
		if err != nil {
			return err
		}
		for _, d := range deletes {
			if err := s.write(ctx, func(st *state) { delete(st.datasources, orgName{org(d), text(d, "name")}) }); err != nil {
				return err
			}
		}
		entries, _ := list(doc, "datasources")
		for _, e := range entries {
			if err := s.writeDatasource(ctx, e, doc["prune"] == true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) writeDatasource(ctx context.Context, e map[string]any, prune bool) error {
	name, uid := text(e, "name"), text(e, "uid")
	key := orgName{org(e), name}
	if name == "" {
		return errors.New("unique identifier and org id are needed")
	}
	var conflict error
	err := s.write(ctx, func(st *state) {
		for other, ds := range st.datasources {
			if uid != "" && other != key && other.org == key.org && ds["uid"] == uid {
				conflict = errors.New("data source with the same uid already exists")
				return
			}
		}
		old, had := st.datasources[key]
		if had && uid != "" && old["uid"] != uid && s.newer(12, 0) {
			conflict = errors.New("data source not found")
			return
		}
		if n, ok := e["version"].(int); ok {
			// An entry is skipped silently if its version was already written.
			if have, _ := old["version"].(int); had && have > n {
				return
			}
		}
		ds := mergeDatasource(old, e, name, uid, len(st.datasources)+1)
		if n, ok := e["version"].(int); ok && had {
			ds["version"] = n + 1
		}
		if ds["isDefault"] == true {
			for other, x := range st.datasources {
				if other.org == key.org {
					x["isDefault"] = false
				}
			}
		}
		if first := !had && !slices.ContainsFunc(slices.Collect(maps.Keys(st.datasources)), func(k orgName) bool { return k.org == key.org }); first {
			ds["isDefault"] = true // the first one always becomes the default
		}
		ds["orgId"], ds["pruned"] = key.org, prune
		st.datasources[key] = ds
	})
	return errors.Join(err, conflict)
}

// mergeDatasource returns what an insert or update stores: url, basicAuthUser and type keep their old
// value when they are removed from the file.
func mergeDatasource(old, e map[string]any, name, uid string, id int) map[string]any {
	ds := map[string]any{
		"id": id, "name": name, "uid": uid, "version": 1, "readOnly": !boolean(e, "editable"), "orgId": 1,
		"access": "proxy", "isDefault": boolean(e, "isDefault"), "basicAuth": boolean(e, "basicAuth"),
		"url": "", "type": "", "basicAuthUser": "", "user": text(e, "user"), "database": text(e, "database"),
		"withCredentials": boolean(e, "withCredentials"), "jsonData": map[string]any{}, "secureJsonFields": map[string]bool{},
	}
	if a := text(e, "access"); a == "direct" {
		ds["access"] = a
	}
	for _, key := range []string{"url", "type", "basicAuthUser"} {
		if v := text(e, key); v != "" {
			ds[key] = v
		} else if old != nil {
			ds[key] = old[key]
		}
	}
	if old != nil {
		ds["id"] = old["id"]
		if uid == "" {
			ds["uid"] = old["uid"]
		}
	}
	if ds["uid"] == "" {
		ds["uid"] = fmt.Sprintf("P%016X", id)
	}
	if m, ok := expanded(e["jsonData"]).(map[string]any); ok {
		ds["jsonData"] = m
	} else if m, ok := e["jsonData"].(map[any]any); ok { // some key is not a string
		texts := map[string]any{}
		for k, v := range m {
			texts[fmt.Sprint(k)] = v
		}
		ds["jsonData"] = texts
	}
	if m, ok := e["secureJsonData"].(map[string]any); ok {
		fields := map[string]bool{}
		for k := range m {
			fields[k] = true
		}
		ds["secureJsonFields"] = fields
	}
	return ds
}

// expanded expands environment variables in the strings of a value.
func expanded(v any) any {
	switch v := v.(type) {
	case string:
		return text(map[string]any{"": v}, "")
	case map[string]any:
		out := map[string]any{}
		for key, item := range v {
			out[key] = expanded(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = expanded(item)
		}
		return out
	}
	return v
}

// prune removes what was last written by a file with prune: true and is no longer in any file.
func (s *Server) prune(ctx context.Context, files []map[string]any) error {
	listed := map[orgName]bool{}
	for _, doc := range files {
		entries, _ := list(doc, "datasources")
		for _, e := range entries {
			listed[orgName{org(e), text(e, "name")}] = true
		}
	}
	return s.write(ctx, func(st *state) {
		for key, ds := range st.datasources {
			if ds["pruned"] == true && !listed[key] {
				delete(st.datasources, key)
			}
		}
	})
}
