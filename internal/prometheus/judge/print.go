package judge

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/config"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/internal/prometheus/proof"
	"reloader/internal/yamlnode"
)

// printable reads a valid configuration as the server holds it when it prints it, except that variables in external
// labels are not expanded.
func printable(body, dir string, features []string) (*config.Config, error) {
	defer withFeatures(features)()
	cfg := config.DefaultConfig
	if err := yaml2.Unmarshal([]byte(body), &cfg); err != nil {
		return nil, err
	}
	complete(&cfg, dir, features)
	return &cfg, nil
}

// complete does what the server does to a configuration after it has read it.
func complete(cfg *config.Config, dir string, features []string) {
	if cfg.StorageConfig.TSDBConfig == nil {
		retention := config.DefaultTSDBRetentionConfig
		cfg.StorageConfig.TSDBConfig = &config.TSDBConfig{Retention: &retention}
	}
	if cfg.StorageConfig.ExemplarsConfig == nil && slices.Contains(features, "exemplar-storage") {
		cfg.StorageConfig.ExemplarsConfig = &config.DefaultExemplarsConfig
	}
	cfg.SetDirectory(dir)
}

// printable is printable of the loaded file. Reading a large file again takes longer than judging it, so it is only read again if
// it would be read otherwise than it was: with features that change defaults, or with variables that were expanded. The loaded
// configuration is changed: this is its last use.
func (l *configLoader) printable(dir string, features []string, ix *index) (*config.Config, error) {
	if slices.ContainsFunc(features, changesDefaults) || mayExpand(ix.root) {
		return printable(l.body, dir, features)
	}
	complete(l.config, dir, features)
	return l.config, nil
}

// mayExpand reports whether external labels may have variables.
func mayExpand(root *yaml.Node) bool {
	if root == nil || root.Kind != yaml.MappingNode {
		return false
	}
	if hasAnchors(root) { // a part may stand anywhere
		return true
	}
	for key, value := range yamlnode.Pairs(root) {
		// The parts that are large, and have a $ in regular expressions, are no external labels.
		if key.Value != "scrape_configs" && key.Value != "remote_write" && key.Value != "alerting" && hasVariable(value) {
			return true
		}
	}
	return false
}

func hasVariable(n *yaml.Node) bool {
	return strings.Contains(n.Value, "$") || n.ShortTag() == "!!binary" || slices.ContainsFunc(n.Content, hasVariable)
}

// printed is cfg.String(). The library's printer keeps all that it printed of a document, and copies it as it grows. So many jobs
// are printed a few at a time, on all processors, and put where the first of them stands.
func printed(cfg *config.Config) string {
	const few = 8
	jobs := cfg.ScrapeConfigs
	if len(jobs) <= few {
		return cfg.String()
	}
	one := *cfg
	one.ScrapeConfigs = jobs[:1]
	const list = "\nscrape_configs:\n"
	before, rest, ok := strings.Cut(one.String(), list)
	parts := slices.Collect(slices.Chunk(jobs, few))
	texts := make([]string, 1+len(parts)+1)
	texts[0], texts[len(texts)-1] = before+list, rest[proof.PartEnd(rest):]
	var failed atomic.Bool
	onAll(len(parts), func(i int) {
		b, err := yaml2.Marshal(parts[i])
		if err != nil {
			failed.Store(true)
		}
		texts[1+i] = string(b)
	})
	if !ok || failed.Load() {
		return cfg.String()
	}
	return strings.Join(texts, "")
}

// onAll calls do for each number below n, on all processors.
func onAll(n int, do func(int)) {
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), n)
	for w := range workers {
		wg.Go(func() {
			for k := w; k < n; k += workers {
				do(k)
			}
		})
	}
	wg.Wait()
}

// featured serializes changes of the library's defaults.
var featured sync.Mutex

// featureDefaults are the features that change the library's defaults, and how.
var featureDefaults = map[string]func(){
	"extra-scrape-metrics": func() {
		on := true
		config.DefaultConfig.GlobalConfig.ExtraScrapeMetrics, config.DefaultGlobalConfig.ExtraScrapeMetrics = &on, &on
	},
	"created-timestamp-zero-ingestion": protoFirst,
	"st-storage":                       protoFirst,
}

func protoFirst() {
	config.DefaultConfig.GlobalConfig.ScrapeProtocols = config.DefaultProtoFirstScrapeProtocols
	config.DefaultGlobalConfig.ScrapeProtocols = config.DefaultProtoFirstScrapeProtocols
}

func changesDefaults(feature string) bool { return featureDefaults[feature] != nil }

// withFeatures sets the library's defaults to those of a server with these features, as the server's main function does,
// until undo is called.
func withFeatures(features []string) (undo func()) {
	featured.Lock()
	whole, global := config.DefaultConfig.GlobalConfig, config.DefaultGlobalConfig
	for _, f := range features {
		if set := featureDefaults[f]; set != nil {
			set()
		}
	}
	return func() {
		if len(features) > 0 {
			config.DefaultConfig.GlobalConfig, config.DefaultGlobalConfig = whole, global
		}
		featured.Unlock()
	}
}
