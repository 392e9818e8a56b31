package validation

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
)

// Fingerprint changes when anything below the nodes changes.
func Fingerprint(nodes ...*yaml.Node) uint64 {
	h := finding.NewFingerprint()
	left := maxFingerprintNodes
	for _, n := range nodes {
		hashNode(h, n, &left)
	}
	return h.Sum()
}

// maxFingerprintNodes limits the work when aliases multiply.
const maxFingerprintNodes = 1_000_000

func hashNode(h *finding.FingerprintHash, n *yaml.Node, left *int) {
	if n == nil || *left <= 0 {
		return
	}
	*left--
	if n.Kind == yaml.AliasNode {
		hashNode(h, n.Alias, left)
		return
	}
	h.WriteString(string(rune(n.Kind)))
	h.WriteString(n.ShortTag())
	h.WriteString(n.Value)
	for _, c := range n.Content {
		hashNode(h, c, left)
	}
	h.WriteString("\x01")
}

// FingerprintMap is Fingerprint of a whole map, merged keys included.
func FingerprintMap(m *provisioning.Map) uint64 {
	nodes := make([]*yaml.Node, 0, 2*len(m.Fields))
	for _, f := range m.Fields {
		nodes = append(nodes, f.KeyNode, f.Node)
	}
	return Fingerprint(nodes...)
}

// Label is a value for findings and outlines: as it is written in the file, so that
// nothing from the environment is shown.
func Label(v provisioning.Value) string {
	if v.Changed || !v.Known {
		return v.Raw
	}
	return v.Text
}

// Named is an item's name, with the organization's number unless that is 1.
func Named(name string, org int64) string {
	if org == 1 {
		return name
	}
	return name + " (organization " + strconv.FormatInt(org, 10) + ")"
}
