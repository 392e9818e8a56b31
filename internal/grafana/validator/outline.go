package validator

import (
	"hash/maphash"
	"strconv"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/provisioning"
)

// Kinds of items in the outline.
const (
	itemDatasource = "datasource"
	itemProvider   = "dashboard provider"
	itemDashboard  = "dashboard"
	itemPlugin     = "plugin app"
	itemNotifier   = "notifier"
)

// seed keys the fingerprints, so that nobody can try out passwords against one.
var seed = maphash.MakeSeed()

// fingerprint tells whether what is written below a node changed.
func fingerprint(nodes ...*yaml.Node) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	left := maxFingerprintNodes
	for _, n := range nodes {
		hashNode(&h, n, &left)
	}
	return h.Sum64()
}

// maxFingerprintNodes bounds the work where aliases multiply.
const maxFingerprintNodes = 1_000_000

func hashNode(h *maphash.Hash, n *yaml.Node, left *int) {
	if n == nil || *left <= 0 {
		return
	}
	*left--
	if n.Kind == yaml.AliasNode {
		hashNode(h, n.Alias, left)
		return
	}
	_ = h.WriteByte(byte(n.Kind))
	_, _ = h.WriteString(n.ShortTag())
	_ = h.WriteByte(0)
	_, _ = h.WriteString(n.Value)
	_ = h.WriteByte(0)
	for _, c := range n.Content {
		hashNode(h, c, left)
	}
	_ = h.WriteByte(1)
}

// fingerprintMap covers merged keys too.
func fingerprintMap(m *provisioning.Map) uint64 {
	nodes := make([]*yaml.Node, 0, 2*len(m.Fields))
	for _, f := range m.Fields {
		nodes = append(nodes, f.KeyNode, f.Node)
	}
	return fingerprint(nodes...)
}

func fingerprintBytes(b []byte) uint64 { return maphash.Bytes(seed, b) }

// label is how a value is called in findings and outlines: as it is written in the file, so that
// nothing from the environment shows.
func label(v provisioning.Value) string {
	if v.Changed || !v.Known {
		return v.Raw
	}
	return v.Text
}

// named is an item's name: objects of other organizations carry the number.
func named(name string, org int64) string {
	if org == 1 {
		return name
	}
	return name + " (organization " + strconv.FormatInt(org, 10) + ")"
}
