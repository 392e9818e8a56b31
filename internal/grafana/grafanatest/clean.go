package grafanatest

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// Asker sends a request to a Grafana as its admin; org 0 is the admin's own organization.
type Asker func(method, path string, org int64) (status int, answer []byte)

// Clean removes everything that files have created in a Grafana, and leaves its provisioning directory empty.
func Clean(t *testing.T, provisioning string, ask Asker) {
	t.Helper()
	get := func(path string, org int64, v any) {
		t.Helper()
		status, answer := ask(http.MethodGet, path, org)
		if status == http.StatusNotFound || status == http.StatusForbidden {
			return // this version, or this organization, has none
		}
		if status != http.StatusOK || len(answer) > 0 && json.Unmarshal(answer, v) != nil {
			t.Fatalf("clean: GET %s: %d %s", path, status, answer)
		}
	}
	reload := func(kinds ...string) {
		t.Helper()
		for _, kind := range kinds {
			if status, answer := ask(http.MethodPost, "/api/admin/provisioning/"+kind+"/reload", 0); status != http.StatusOK {
				t.Fatalf("clean %s: %d %s", kind, status, answer)
			}
		}
	}
	ds, al := []any{}, map[string]any{"apiVersion": 1}
	lists := map[string][]map[string]any{}
	resets := []int64{}
	var orgs []struct{ ID int64 }
	get("/api/orgs", 0, &orgs)
	for _, org := range orgs {
		var list []struct{ Name string }
		get("/api/datasources", org.ID, &list)
		for _, x := range list {
			ds = append(ds, map[string]any{"name": x.Name, "orgId": org.ID})
		}
		for path, key := range map[string]string{"alert-rules": "deleteRules", "contact-points": "deleteContactPoints", "mute-timings": "deleteMuteTimes", "templates": "deleteTemplates"} {
			var list []struct{ UID, Name string }
			get("/api/v1/provisioning/"+path, org.ID, &list)
			for _, x := range list {
				if key != "deleteContactPoints" || x.Name != "empty" {
					lists[key] = append(lists[key], map[string]any{"uid": x.UID, "name": x.Name, "orgId": org.ID})
				}
			}
		}
		resets = append(resets, org.ID)
	}
	for key, list := range lists {
		al[key] = list
	}
	// Contact points and mute timings can be deleted only after the rules and policies that use them.
	layJSON(t, provisioning, map[string]any{
		"datasources": map[string]any{"apiVersion": 1, "deleteDatasources": ds},
		"alerting":    map[string]any{"resetPolicies": resets, "deleteRules": lists["deleteRules"]},
	})
	reload("datasources", "alerting", "dashboards")
	layJSON(t, provisioning, map[string]any{"alerting": al})
	reload("alerting")
	layJSON(t, provisioning, nil)
}

// layJSON replaces everything in a provisioning directory with one file for each kind.
func layJSON(t *testing.T, provisioning string, kinds map[string]any) {
	t.Helper()
	entries, err := os.ReadDir(provisioning)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(provisioning, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	for kind, content := range kinds {
		b, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(provisioning, kind), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(provisioning, kind, "clean.yaml"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Clean removes everything that files have created in the server.
func (g *Real) Clean(t *testing.T) {
	t.Helper()
	Clean(t, g.Provisioning, func(method, path string, org int64) (int, []byte) {
		status, answer, err := g.Ask(t.Context(), method, path, org, "")
		if err != nil {
			t.Fatal(err)
		}
		return status, answer
	})
}
