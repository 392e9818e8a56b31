package driver

import (
	"cmp"
	"context"
	"io"
	"maps"
	"net/url"
	"slices"

	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
)

// outline is what the server says that it runs, as far as guards count it: its scrape jobs, and a rule group when it has
// any. Nil when it tells nothing. It costs three requests, once in our life.
func (d *Driver) outline(ctx context.Context) *finding.Outline {
	o := &finding.Outline{Told: true}
	jobs := map[string]bool{}
	// Those of scrape_config_files have pools only, and pools are made some seconds after a load.
	var answer struct {
		ScrapePools []string `json:"scrapePools"`
	}
	_, f := d.get(ctx, pathPools, &answer)
	for _, name := range answer.ScrapePools {
		jobs[name] = true
	}
	told := f == nil
	config, refused, f := d.printed(ctx, pathConfig, nil, maxConfig, askTimeout)
	told = told || f == nil && refused == ""
	for _, i := range proof.Cut(config) {
		if i.Kind == validator.KindJob {
			jobs[i.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		o.Items = append(o.Items, finding.Item{Kind: validator.KindJob, Name: name})
	}
	group := ""
	refused, f = d.ask(ctx, pathRules, url.Values{"exclude_alerts": {"true"}, "group_limit": {"1"}}, maxRules, askTimeout, func(r io.Reader) error {
		_, err := proof.ReadRules(r, func(g proof.ServerGroup) { group = cmp.Or(group, g.File+";"+g.Name) })
		return err
	})
	if f == nil && refused == "" && group != "" {
		o.Items = append(o.Items, finding.Item{Kind: validator.KindGroup, Name: group})
		told = true
	}
	if !told {
		return nil
	}
	return o
}
