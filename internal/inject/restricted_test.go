package inject

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type container struct {
	Name            string
	SecurityContext map[string]any `yaml:"securityContext"`
	VolumeMounts    []struct {
		Name     string
		ReadOnly bool `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

// The sidecar needs no more than the restricted pod security standard allows: a non-root user, no capabilities, no privileges and
// the runtime's seccomp profile. Beyond that, its root file system and all mounts except gates are read-only.
func TestSidecarIsRestricted(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{options(), gated(), everything()} {
		res, err := Inject(monitor(t), o)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		dec := yaml.NewDecoder(strings.NewReader(string(res.Output)))
		for {
			var doc struct {
				Spec struct {
					Template struct {
						Spec struct {
							Containers     []container
							InitContainers []container `yaml:"initContainers"`
						}
					}
				}
			}
			if dec.Decode(&doc) != nil {
				break
			}
			pod := doc.Spec.Template.Spec
			for _, c := range append(pod.Containers, pod.InitContainers...) {
				if c.Name != "reloader" {
					continue
				}
				found++
				s := c.SecurityContext
				drop, _ := s["capabilities"].(map[string]any)
				seccomp, _ := s["seccompProfile"].(map[string]any)
				list, _ := drop["drop"].([]any)
				if s["runAsUser"] != 65532 || s["runAsNonRoot"] != true || s["readOnlyRootFilesystem"] != true || s["allowPrivilegeEscalation"] != false ||
					len(list) != 1 || list[0] != "ALL" || drop["add"] != nil || seccomp["type"] != "RuntimeDefault" || s["privileged"] != nil {
					t.Errorf("security context %v", s)
				}
				for _, m := range c.VolumeMounts {
					if !m.ReadOnly && !strings.Contains(m.Name, "gate") {
						t.Errorf("%s is writable", m.Name)
					}
				}
			}
		}
		if found == 0 {
			t.Error("no sidecar")
		}
	}
}
