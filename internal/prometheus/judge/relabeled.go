package judge

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

// The library checks targets in packages that would double the size of promcheck, so these few lines repeat it. A test
// compares them with promtool.

// checkScrape checks targets after relabeling, as the scrape manager does.
func checkScrape(groups []*targetgroup.Group, cfg *config.ScrapeConfig) error {
	lb := labels.NewBuilder(labels.EmptyLabels())
	for _, g := range groups {
		for i, t := range g.Targets {
			discovered(lb, cfg, t, g.Labels)
			if !relabel.ProcessBuilder(lb, cfg.RelabelConfigs...) {
				continue
			}
			if err := checkTarget(lb); err != nil {
				return fmt.Errorf("target %d: %w", i+1, err)
			}
		}
	}
	return nil
}

// discovered sets the labels that a target has before relabeling.
func discovered(lb *labels.Builder, cfg *config.ScrapeConfig, target, group model.LabelSet) {
	lb.Reset(labels.EmptyLabels())
	for n, v := range target {
		lb.Set(string(n), string(v))
	}
	for n, v := range group {
		if _, ok := target[n]; !ok {
			lb.Set(string(n), string(v))
		}
	}
	for _, l := range []labels.Label{
		{Name: model.JobLabel, Value: cfg.JobName},
		{Name: model.ScrapeIntervalLabel, Value: cfg.ScrapeInterval.String()},
		{Name: model.ScrapeTimeoutLabel, Value: cfg.ScrapeTimeout.String()},
		{Name: model.MetricsPathLabel, Value: cfg.MetricsPath},
		{Name: model.SchemeLabel, Value: cfg.Scheme},
		{Name: labelConvert, Value: strconv.FormatBool(cfg.ConvertClassicHistogramsToNHCBEnabled())},
		{Name: labelClassic, Value: strconv.FormatBool(cfg.AlwaysScrapeClassicHistogramsEnabled())},
		{Name: labelNative, Value: strconv.FormatBool(cfg.ScrapeNativeHistogramsEnabled())},
	} {
		if lb.Get(l.Name) == "" {
			lb.Set(l.Name, l.Value)
		}
	}
	for k, v := range cfg.Params {
		if name := model.ParamLabelPrefix + k; len(v) > 0 && lb.Get(name) == "" {
			lb.Set(name, v[0])
		}
	}
}

// Labels that control how histograms of a target are scraped.
const (
	labelConvert = "__convert_classic_histograms_to_nhcb__"
	labelClassic = "__always_scrape_classic_histograms__"
	labelNative  = "__scrape_native_histograms__"
)

func checkTarget(lb *labels.Builder) error {
	addr := lb.Get(model.AddressLabel)
	if addr == "" {
		return errors.New("no address")
	}
	if err := config.CheckTargetAddress(model.LabelValue(addr)); err != nil {
		return err
	}
	interval, err := model.ParseDuration(lb.Get(model.ScrapeIntervalLabel))
	if err != nil {
		return fmt.Errorf("error parsing scrape interval: %w", err)
	}
	timeout, err := model.ParseDuration(lb.Get(model.ScrapeTimeoutLabel))
	if err != nil {
		return fmt.Errorf("error parsing scrape timeout: %w", err)
	}
	switch {
	case interval == 0:
		return errors.New("scrape interval cannot be 0")
	case timeout == 0:
		return errors.New("scrape timeout cannot be 0")
	case timeout > interval:
		return fmt.Errorf("scrape timeout cannot be greater than scrape interval (%q > %q)", timeout, interval)
	}
	for _, name := range []string{labelConvert, labelClassic, labelNative} {
		if v := lb.Get(name); v != "" {
			if _, err := strconv.ParseBool(v); err != nil {
				return fmt.Errorf("label %s is neither true nor false: %w", name, err)
			}
		}
	}
	return lb.Labels().Validate(func(l labels.Label) error {
		if !model.LabelValue(l.Value).IsValid() {
			return fmt.Errorf("invalid label value for %q: %q", l.Name, l.Value)
		}
		return nil
	})
}

// checkAlertmanager checks Alertmanager targets after relabeling, as the notifier does.
func checkAlertmanager(groups []*targetgroup.Group, cfg *config.AlertmanagerConfig) error {
	lb := labels.NewBuilder(labels.EmptyLabels())
	for _, g := range groups {
		for _, t := range g.Targets {
			lb.Reset(labels.EmptyLabels())
			for n, v := range t {
				lb.Set(string(n), string(v))
			}
			lb.Set(model.SchemeLabel, cfg.Scheme)
			lb.Set("__alerts_path__", cfg.PathPrefix)
			for n, v := range g.Labels {
				if _, ok := t[n]; !ok {
					lb.Set(string(n), string(v))
				}
			}
			if !relabel.ProcessBuilder(lb, cfg.RelabelConfigs...) {
				continue
			}
			if err := config.CheckTargetAddress(model.LabelValue(lb.Get(model.AddressLabel))); err != nil {
				return err
			}
		}
	}
	return nil
}
