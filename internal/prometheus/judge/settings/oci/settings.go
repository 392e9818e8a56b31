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

// Code generated from github.com/prometheus/prometheus/discovery/oci by "make golden". DO NOT EDIT.
// It is what Prometheus v0.316.0 reads and refuses, without what discovers.

// Package oci is the settings of a kind of service discovery as Prometheus reads them.
package oci

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
)

const authAPIKey = "api_key"

const authInstancePrincipal = "instance_principal"

// DefaultSDConfig is the default OCI service discovery configuration.
var DefaultSDConfig = SDConfig{
	Port:             80,
	RefreshInterval:  model.Duration(60 * time.Second),
	Auth:             authAPIKey,
	HTTPClientConfig: config.DefaultHTTPClientConfig,
}

// SDConfig is the configuration for OCI service discovery.
type SDConfig struct {
	// Auth selects the authentication method. Valid values: "api_key" (default),
	// "instance_principal".
	Auth string `yaml:"auth,omitempty"`

	// API key auth fields. Required when Auth is "api_key".
	Tenancy     string `yaml:"tenancy,omitempty"`
	User        string `yaml:"user,omitempty"`
	Fingerprint string `yaml:"fingerprint,omitempty"`
	KeyFile     string `yaml:"key_file,omitempty"`
	// KeyPassphrase is the passphrase used to decrypt KeyFile, if any.
	// Mutually exclusive with KeyPassphraseFile.
	KeyPassphrase config.Secret `yaml:"key_passphrase,omitempty"`
	// KeyPassphraseFile is a path to a file containing the passphrase used to
	// decrypt KeyFile. Mutually exclusive with KeyPassphrase.
	//
	// TODO: read this lazily via a custom common.ConfigurationProvider so
	// rotating the passphrase on disk takes effect without restarting
	// Prometheus, matching the runtime-reloadable semantics of password_file.
	KeyPassphraseFile string `yaml:"key_passphrase_file,omitempty"`

	// Region is required for all auth methods.
	Region string `yaml:"region"`

	// Compartments is an explicit list of compartment OCIDs to scan. When empty,
	// all active compartments reachable from the tenancy root are discovered
	// automatically via the OCI Identity API.
	Compartments []string `yaml:"compartments,omitempty"`

	HTTPClientConfig config.HTTPClientConfig `yaml:",inline"`

	Port            int            `yaml:"port"`
	RefreshInterval model.Duration `yaml:"refresh_interval"`
}

// Name returns the name of the OCI service discovery config.
func (*SDConfig) Name() string { return "oci" }

// SetDirectory joins any relative file paths with dir.
func (c *SDConfig) SetDirectory(dir string) {
	c.HTTPClientConfig.SetDirectory(dir)
	c.KeyFile = config.JoinDir(dir, c.KeyFile)
	c.KeyPassphraseFile = config.JoinDir(dir, c.KeyPassphraseFile)
}

// UnmarshalYAML implements the yaml.Unmarshaler interface.
func (c *SDConfig) UnmarshalYAML(unmarshal func(any) error) error {
	*c = DefaultSDConfig
	type plain SDConfig
	if err := unmarshal((*plain)(c)); err != nil {
		return err
	}
	return c.validate()
}

// validate checks all SDConfig fields for consistency. It is called from
// UnmarshalYAML and is also used directly in tests.
func (c *SDConfig) validate() error {
	if c.Region == "" {
		return errors.New("oci_sd: region is required")
	}

	switch c.Auth {
	case authAPIKey:
		if c.Tenancy == "" {
			return errors.New("oci_sd: api_key auth requires tenancy")
		}
		if c.User == "" {
			return errors.New("oci_sd: api_key auth requires user")
		}
		if c.Fingerprint == "" {
			return errors.New("oci_sd: api_key auth requires fingerprint")
		}
		if c.KeyFile == "" {
			return errors.New("oci_sd: api_key auth requires key_file")
		}
		if c.KeyPassphrase != "" && c.KeyPassphraseFile != "" {
			return errors.New("oci_sd: at most one of key_passphrase and key_passphrase_file must be configured")
		}
	case authInstancePrincipal:
		if c.Tenancy != "" || c.User != "" || c.Fingerprint != "" || c.KeyFile != "" || c.KeyPassphrase != "" || c.KeyPassphraseFile != "" {
			return errors.New("oci_sd: instance_principal auth must not have tenancy, user, fingerprint, key_file, key_passphrase, or key_passphrase_file set")
		}
	default:
		return fmt.Errorf("oci_sd: unknown auth method %q, expected %q or %q", c.Auth, authAPIKey, authInstancePrincipal)
	}

	for i, cid := range c.Compartments {
		if cid == "" {
			return fmt.Errorf("oci_sd: compartments[%d] must not be empty", i)
		}
	}

	if c.RefreshInterval <= 0 {
		return fmt.Errorf("oci_sd: refresh_interval must be positive, got %s", c.RefreshInterval)
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
