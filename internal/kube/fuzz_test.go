package kube

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"
)

// FuzzWatch: whatever the API sends, a watch ends with an error, and reports no more versions than were sent.
func FuzzWatch(f *testing.F) {
	f.Add(`{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}}` + "\n" + `{"type":"ERROR","object":{"code":410,"message":"gone"}}`)
	f.Add(`{"type":"BOOKMARK"}{"type":"MODIFIED","object":null}`)
	f.Add(`{"type":"ADDED","object":{"metadata":{"resourceVersion":7}}}`)
	f.Add("<html>")
	f.Fuzz(func(t *testing.T, body string) {
		count := 0
		err := readWatch(strings.NewReader(body), func(version) { count++ })
		if err == nil {
			t.Error("a watch ended without an error")
		}
		if count > strings.Count(body, "{") {
			t.Errorf("%d changes in %q", count, body)
		}
	})
}

// FuzzPod: whatever a pod looks like, only ConfigMaps and Secrets are found, each at an existing mount.
func FuzzPod(f *testing.F) {
	f.Add(`{"spec":{"containers":[{"name":"r","volumeMounts":[{"name":"c","mountPath":"/etc/c/"}]}],"volumes":[{"name":"c","configMap":{"name":"m"}}]}}`)
	f.Add(`{"spec":{"containers":[{"volumeMounts":[{"name":"c","mountPath":"/etc/s"}]}],"volumes":[{"name":"c","projected":{"sources":[{"secret":{"name":"s"}},{}]}}]}}`)
	f.Add(`{"spec":{"initContainers":[{"volumeMounts":[{"mountPath":"/etc/c"},{"mountPath":"/etc/s","subPath":"x"}]}],"volumes":[{}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var p pod
		if json.Unmarshal([]byte(text), &p) != nil {
			return
		}
		mounts := []string{"/etc/c", "/etc/s"}
		found, err := p.objects(mounts)
		if err != nil && found != nil {
			t.Errorf("%v with the error %v", found, err)
		}
		for o, at := range found {
			if o.resource != "configmaps" && o.resource != "secrets" {
				t.Errorf("%s is neither a ConfigMap nor a Secret", o)
			}
			for _, m := range at {
				if !slices.Contains(mounts, path.Clean(m)) {
					t.Errorf("%s at %q, which is no mount", o, m)
				}
			}
		}
	})
}
