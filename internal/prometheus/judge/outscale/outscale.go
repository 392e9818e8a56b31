// Package outscale is the settings of outscale_sd_configs without what discovers. Prometheus' own package brings a client
// whose tables took a quarter of promcheck's start. A test holds it against Prometheus' package.
package outscale

import (
	"cmp"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
)

// Settings are one entry.
type Settings struct {
	Endpoint         string                  `yaml:"endpoint,omitempty"`
	Region           string                  `yaml:"region"`
	AccessKey        string                  `yaml:"access_key"`
	SecretKey        config.Secret           `yaml:"secret_key"`
	SecretKeyFile    string                  `yaml:"secret_key_file"`
	RefreshInterval  model.Duration          `yaml:"refresh_interval,omitempty"`
	Port             int                     `yaml:"port"`
	HTTPClientConfig config.HTTPClientConfig `yaml:",inline"`
}

// Register makes the entries known to Prometheus' configuration; once in a process.
func Register() { discovery.RegisterConfig(&Settings{}) }

// Name implements discovery.Config.
func (Settings) Name() string { return "outscale" }

// SetDirectory makes paths of files absolute.
func (s *Settings) SetDirectory(dir string) {
	s.SecretKeyFile = config.JoinDir(dir, s.SecretKeyFile)
	s.HTTPClientConfig.SetDirectory(dir)
}

// UnmarshalYAML refuses what Prometheus refuses, in its words.
func (s *Settings) UnmarshalYAML(read func(any) error) error {
	type plain Settings
	f := plain{
		Region: "eu-west-2", Port: 80, RefreshInterval: model.Duration(time.Minute), HTTPClientConfig: config.DefaultHTTPClientConfig,
	}
	err := read(&f)
	*s = Settings(f)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		wrong bool
		words string
	}{
		{f.Region == "", "outscale SD configuration requires a region"},
		{f.AccessKey == "", "outscale SD configuration requires access_key"},
		{f.SecretKey == "" && f.SecretKeyFile == "", "one of secret_key & secret_key_file must be configured"},
		{f.SecretKey != "" && f.SecretKeyFile != "", "at most one of secret_key & secret_key_file must be configured"},
	} {
		if c.wrong {
			return errors.New(c.words)
		}
	}
	s.Endpoint = cmp.Or(f.Endpoint, "https://api."+f.Region+".outscale.com/api/v1")
	return s.HTTPClientConfig.Validate()
}

// NewDiscoverer implements discovery.Config: nothing is discovered here.
func (*Settings) NewDiscoverer(discovery.DiscovererOptions) (discovery.Discoverer, error) {
	return nil, errors.ErrUnsupported
}

// NewDiscovererMetrics implements discovery.Config.
func (*Settings) NewDiscovererMetrics(prometheus.Registerer, discovery.RefreshMetricsInstantiator) discovery.DiscovererMetrics {
	return nil
}
