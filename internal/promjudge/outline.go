package promjudge

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"

	"reloader/internal/validate/promcheck"
)

// outline names what a main file or a file of scrape_config_files says.
func (j *judge) outline(ix *index) {
	add := func(kind, name string, n *yaml.Node) {
		j.answer.Items = append(j.answer.Items, promcheck.Item{Kind: kind, Name: name, Fingerprint: nodePrint(j.q.Key, n)})
	}
	if ix.root == nil || ix.root.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(ix.root.Content); i += 2 {
		key, value := ix.root.Content[i].Value, ix.root.Content[i+1]
		switch key {
		case "scrape_configs":
			for _, job := range value.Content {
				add("scrape job", scalarAt(job, "job_name"), job)
			}
		case "remote_write", "remote_read":
			for k, rw := range value.Content {
				add(key, cmp.Or(scalarAt(rw, "name"), fmt.Sprintf("#%d", k+1)), rw)
			}
		case "rule_files", "scrape_config_files":
			for _, pattern := range value.Content {
				add(key+" pattern", pattern.Value, pattern)
			}
		default:
			add("section", key, value)
		}
	}
}

func scalarAt(n *yaml.Node, key string) string {
	if v := child(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// nodePrint tells change, not content: a keyed hash, cut to 64 bits.
func nodePrint(key []byte, n *yaml.Node) uint64 {
	h := hmac.New(sha256.New, key)
	hashNode(h, n, 0)
	return sum(h)
}

func sum(h hash.Hash) uint64 { return binary.BigEndian.Uint64(h.Sum(nil)) }

func hashNode(h io.Writer, n *yaml.Node, depth int) {
	if n == nil || depth > 1000 {
		return
	}
	if n.Kind == yaml.AliasNode {
		// The name stands for the contents, which are hashed where they are written.
		_, _ = fmt.Fprintf(h, "*%s\x00", n.Value)
		return
	}
	_, _ = fmt.Fprintf(h, "%d%s\x00%d:%s\x00", n.Kind, n.ShortTag(), len(n.Value), n.Value)
	for _, c := range n.Content {
		hashNode(h, c, depth+1)
	}
	_, _ = io.WriteString(h, "\x01")
}

// outlineGroups names the groups of a rule file.
func outlineGroups(file *rulefmt.RuleGroups, key []byte) []promcheck.Group {
	groups := make([]promcheck.Group, 0, len(file.Groups))
	for _, g := range file.Groups {
		h := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(h, "%d\x00%d\x00", g.Interval, g.Limit)
		if g.QueryOffset != nil {
			_, _ = fmt.Fprintf(h, "%d\x00", *g.QueryOffset)
		}
		hashMap(h, g.Labels)
		for _, r := range g.Rules {
			_, _ = fmt.Fprintf(h, "%q%q%q%d\x00%d\x00", r.Record, r.Alert, r.Expr, r.For, r.KeepFiringFor)
			hashMap(h, r.Labels)
			hashMap(h, r.Annotations)
		}
		groups = append(groups, promcheck.Group{Name: g.Name, Fingerprint: sum(h)})
	}
	return groups
}

func hashMap(h io.Writer, m map[string]string) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		_, _ = fmt.Fprintf(h, "%q=%q,", k, m[k])
	}
	_, _ = io.WriteString(h, "\x01")
}
