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

// outline is what the server runs, as far as the guards need it: its scrape jobs, and one rule group if it has
// any. Nil when the server shows none of that. It takes three requests, once in the driver's life.
func (d *Driver) outline(ctx context.Context) *finding.Outline {
	o := &finding.Outline{Told: true}
	jobs := map[string]bool{}
	// Jobs of scrape_config_files appear only as pools, and pools are created some seconds after a load.
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
