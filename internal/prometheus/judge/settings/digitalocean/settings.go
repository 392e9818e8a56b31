// Copyright The Prometheus Authors
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
// http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

// Code generated from github.com/prometheus/prometheus/discovery/digitalocean by "make golden". DO NOT EDIT.
// It is what Prometheus v0.316.0 reads and refuses, without what discovers.

// Package digitalocean is the settings of a kind of service discovery as Prometheus reads them.
package digitalocean

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
)

// Role is the role of the target within the DigitalOcean ecosystem.
type Role string

// DropletsRole discovers targets from DigitalOcean Droplets.
const DropletsRole Role = "droplets"

// DatabasesRole discovers targets from DigitalOcean Managed Databases.
const DatabasesRole Role = "databases"

// UnmarshalYAML implements the yaml.Unmarshaler interface.
func (c *Role) UnmarshalYAML(unmarshal func(any) error) error {
	if err := unmarshal((*string)(c)); err != nil {
		return err
	}
	switch *c {
	case DropletsRole, DatabasesRole:
		return nil
	default:
		return fmt.Errorf("unknown DigitalOcean SD role %q", *c)
	}
}

// DefaultSDConfig is the default DigitalOcean SD configuration.
var DefaultSDConfig = SDConfig{
	Port:             80,
	RefreshInterval:  model.Duration(60 * time.Second),
	HTTPClientConfig: config.DefaultHTTPClientConfig,
	Role:             DropletsRole,
}

// SDConfig is the configuration for DigitalOcean based service discovery.
type SDConfig struct {
	HTTPClientConfig config.HTTPClientConfig `yaml:",inline"`

	RefreshInterval model.Duration `yaml:"refresh_interval"`
	Port            int            `yaml:"port"`
	Role            Role           `yaml:"role"`

	// Internal field for testing.
	HTTPClient *http.Client
}

// Name returns the name of the Config.
func (*SDConfig) Name() string { return "digitalocean" }

// SetDirectory joins any relative file paths with dir.
func (c *SDConfig) SetDirectory(dir string) {
	c.HTTPClientConfig.SetDirectory(dir)
}

// UnmarshalYAML implements the yaml.Unmarshaler interface.
func (c *SDConfig) UnmarshalYAML(unmarshal func(any) error) error {
	*c = DefaultSDConfig
	type plain SDConfig
	err := unmarshal((*plain)(c))
	if err != nil {
		return err
	}

	if c.Role == "" {
		return errors.New("role missing (one of: droplets, databases)")
	}

	return c.HTTPClientConfig.Validate()
}

// NewDiscoverer implements discovery.Config: nothing is discovered here.
func (*SDConfig) NewDiscoverer(discovery.DiscovererOptions) (discovery.Discoverer, error) {
	return nil, errors.ErrUnsupported
}

// NewDiscovererMetrics implements discovery.Config.
func (*SDConfig) NewDiscovererMetrics(prometheus.Registerer, discovery.RefreshMetricsInstantiator) discovery.DiscovererMetrics {
	return nil
}

// Kinds are pointers to the kinds of discovery, to register them.
func Kinds() []discovery.Config {
	return []discovery.Config{&SDConfig{}}
}
