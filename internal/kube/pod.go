package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
)

// pod is what is needed of reloader's own pod.
type pod struct {
	Metadata struct {
		UID string `json:"uid"`
	} `json:"metadata"`
	Spec struct {
		InitContainers []podContainer `json:"initContainers"`
		Containers     []podContainer `json:"containers"`
		Volumes        []podVolume    `json:"volumes"`
	} `json:"spec"`
}

type podContainer struct {
	Name         string        `json:"name"`
	VolumeMounts []volumeMount `json:"volumeMounts"`
}

type volumeMount struct {
	Name      string `json:"name"`
	MountPath string `json:"mountPath"`
	SubPath   string `json:"subPath"`
}

type podVolume struct {
	Name      string      `json:"name"`
	ConfigMap *configMap  `json:"configMap"`
	Secret    *secret     `json:"secret"`
	Projected *projection `json:"projected"`
}

type configMap struct {
	Name string `json:"name"`
}

type secret struct {
	SecretName string `json:"secretName"`
	Name       string `json:"name"` // as a source of a projected volume
}

type projection struct {
	Sources []struct {
		ConfigMap           *configMap `json:"configMap"`
		Secret              *secret    `json:"secret"`
		ServiceAccountToken *struct{}  `json:"serviceAccountToken"`
	} `json:"sources"`
}

// object is a mounted ConfigMap or Secret.
type object struct {
	resource, name string
}

func (o object) String() string { return o.resource + "/" + o.name }

func (c *Client) ownPod(ctx context.Context) (pod, error) {
	var p pod
	err := c.call(ctx, request{method: http.MethodGet, path: "pods/" + url.PathEscape(c.pod)}, &p)
	if err != nil {
		return p, fmt.Errorf("read pod %s/%s: %w", c.namespace, c.pod, err)
	}
	return p, nil
}

var errNotHere = errors.New("find reloader's container: none of the pod's containers has the same mounts")

// objects are the ConfigMaps and Secrets that reloader's own container mounts as directories, each with its
// mount paths. The mount points show which container that is: those of the others do not exist here.
func (p pod) objects(mountPoints []string) (map[object][]string, error) {
	self, ok := p.self(mountPoints)
	if !ok {
		return nil, errNotHere
	}
	volumes := map[string]podVolume{}
	for _, v := range p.Spec.Volumes {
		volumes[v.Name] = v
	}
	found := map[object][]string{}
	for _, m := range self.VolumeMounts {
		if m.SubPath != "" {
			continue // never updated, with or without a patch
		}
		for _, o := range volumes[m.Name].objects() {
			found[o] = append(found[o], m.MountPath)
		}
	}
	return found, nil
}

// self is the container with the most mounts among those whose mounts are all here.
func (p pod) self(mountPoints []string) (found podContainer, ok bool) {
	elsewhere := func(m volumeMount) bool { return !slices.Contains(mountPoints, path.Clean(m.MountPath)) }
	for _, c := range slices.Concat(p.Spec.Containers, p.Spec.InitContainers) {
		if len(c.VolumeMounts) > len(found.VolumeMounts) && !slices.ContainsFunc(c.VolumeMounts, elsewhere) {
			found, ok = c, true
		}
	}
	return found, ok
}

func (v podVolume) objects() []object {
	switch {
	case v.ConfigMap != nil:
		return []object{{"configmaps", v.ConfigMap.Name}}
	case v.Secret != nil:
		return []object{{"secrets", v.Secret.SecretName}}
	case v.Projected == nil:
		return nil
	}
	var list []object
	for _, s := range v.Projected.Sources {
		switch {
		case s.ServiceAccountToken != nil:
			return nil // the token and CA for the API, which the kubelet renews
		case s.ConfigMap != nil:
			list = append(list, object{"configmaps", s.ConfigMap.Name})
		case s.Secret != nil:
			list = append(list, object{"secrets", s.Secret.Name})
		}
	}
	return list
}
