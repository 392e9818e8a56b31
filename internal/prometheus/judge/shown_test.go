package judge

import (
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"reloader/internal/prometheus/proof"
	"reloader/internal/yamlnode"
)

// Every changed value shows in the printed configuration, or the configuration counts as having hidden parts: those cannot be compared, only
// loaded again. Each value of the library's examples, and of settings that they lack, is changed alone, in a file with only its
// job or section.
func TestEachChangeShowsOrIsHidden(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(moduleDir(t), "config", "testdata", "conf.good.yml"))
	if err != nil {
		t.Fatal(err)
	}
	changed, hidden := 0, 0
	for _, part := range alone(t, append(hiding, string(b))...) {
		before := expectedOf(part)
		if before == nil {
			continue
		}
		for _, at := range mustParse(t, part).places {
			if at.isKey || at.node.Kind != yaml.ScalarNode {
				continue
			}
			for _, other := range others(at.node.Value) {
				after := expectedOf(replaced(part, at.node, other))
				if after == nil {
					continue
				}
				changed++
				switch {
				case after.Text == before.Text && len(after.Hidden) > 0:
					hidden++
				case after.Text == before.Text:
					t.Errorf("%s: %q and %q are printed alike, and nothing counts as hidden", strings.Join(at.path, "."), at.node.Value, other)
				}
			}
		}
	}
	if changed < 300 || hidden < 30 || hidden > changed/2 {
		t.Errorf("%d changes, %d of them of hidden values: most of the file was not tried", changed, hidden)
	}
}

// hiding are sections with values that the library's examples do not have.
var hiding = []string{
	"remote_write: [{url: 'http://u:abcd@h/'}]",
	"remote_write: [{url: 'http://h/', proxy_url: 'http://u:abcd@h/'}]",
	"remote_read: [{url: 'http://u:abcd@h/', filter_external_labels: true, read_recent: true}]",
	"scrape_configs: [{job_name: a, proxy_url: 'http://u:abcd@h/'}]",
	"scrape_configs: [{job_name: a, http_sd_configs: [{url: 'http://u:abcd@h/'}]}]",
	"scrape_configs: [{job_name: a, oauth2: {client_id: i, client_secret: s, token_url: 'http://u:abcd@h/', endpoint_params: {x: y}}}]",
	"scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, api_server: 'http://u:abcd@h/'}]}]",
	"scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, label: 'a=b', field: 'c=d'}], attach_metadata: {node: true}, namespaces: {own_namespace: false, names: [q]}}]}]",
	"scrape_configs: [{job_name: a, static_configs: [{targets: ['a:1'], labels: {x: y}}]}]",
	"tracing: {endpoint: h, headers: {a: b}, sampling_fraction: 1, insecure: true}",
}

func mustParse(t *testing.T, text string) *index {
	t.Helper()
	ix, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// alone splits configurations: each result has one section, or one item of a section that is a list.
func alone(t *testing.T, texts ...string) (parts []string) {
	t.Helper()
	write := func(key string, v *yaml.Node) {
		for n := range everyNode(v) {
			n.Style &^= yaml.FlowStyle
		}
		b, err := yaml.Marshal(map[string]any{key: v})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, string(b))
	}
	for _, text := range texts {
		for key, v := range yamlnode.Pairs(mustParse(t, text).root) {
			if _, _, ok := proof.Kind(key.Value); !ok {
				write(key.Value, v)
				continue
			}
			for _, item := range v.Content {
				write(key.Value, &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{item}})
			}
		}
	}
	return parts
}

// others are other valid values in place of this one.
func others(v string) []string {
	if d, err := model.ParseDuration(v); err == nil {
		return []string{(d + model.Duration(1e9)).String()}
	}
	if n, err := strconv.Atoi(v); err == nil {
		return []string{strconv.Itoa(n + 1)}
	}
	switch v {
	case "true":
		return []string{"false"}
	case "false":
		return []string{"true"}
	}
	all := []string{v + "x"}
	if before, after, ok := strings.Cut(v, "@"); ok {
		all = append(all, before+"x@"+after)
	}
	return all
}

// everyNode is a node and all nodes below it.
func everyNode(n *yaml.Node) iter.Seq[*yaml.Node] {
	return func(yield func(*yaml.Node) bool) {
		if !yield(n) {
			return
		}
		for _, c := range n.Content {
			for d := range everyNode(c) {
				if !yield(d) {
					return
				}
			}
		}
	}
}

// replaced is the text with another value in place of a scalar.
func replaced(text string, n *yaml.Node, with string) string {
	lines := strings.SplitAfter(text, "\n")
	line := lines[n.Line-1]
	rest := line[n.Column-1:]
	old, _, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), " #")
	lines[n.Line-1] = line[:n.Column-1] + quotedFor(old, with) + rest[len(old):]
	return strings.Join(lines, "")
}

// quotedFor is the new value, in quotes if the old one had quotes or the new one needs them.
func quotedFor(old, with string) string {
	if strings.HasPrefix(old, `"`) || strings.HasPrefix(old, "'") || strings.ContainsAny(with, ":#{}[]@") {
		return strconv.Quote(with)
	}
	return with
}

// expectedOf is what a server shows of a main file; nil if the server would refuse the file.
func expectedOf(main string) *proof.Expected {
	a := judgeText(main, false)
	return a.Expected
}
