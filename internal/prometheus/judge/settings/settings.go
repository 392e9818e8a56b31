// Package settings lets Prometheus' configuration code read the settings of all kinds of service discovery, without the
// clients that discover targets. Those clients were three quarters of promcheck's size and most of its start time.
package settings

import (
	"slices"

	"github.com/prometheus/prometheus/discovery"

	"reloader/internal/prometheus/judge/settings/aws"
	"reloader/internal/prometheus/judge/settings/azure"
	"reloader/internal/prometheus/judge/settings/consul"
	"reloader/internal/prometheus/judge/settings/digitalocean"
	"reloader/internal/prometheus/judge/settings/dns"
	"reloader/internal/prometheus/judge/settings/eureka"
	"reloader/internal/prometheus/judge/settings/gce"
	"reloader/internal/prometheus/judge/settings/hetzner"
	"reloader/internal/prometheus/judge/settings/http"
	"reloader/internal/prometheus/judge/settings/ionos"
	"reloader/internal/prometheus/judge/settings/kubernetes"
	"reloader/internal/prometheus/judge/settings/linode"
	"reloader/internal/prometheus/judge/settings/marathon"
	"reloader/internal/prometheus/judge/settings/moby"
	"reloader/internal/prometheus/judge/settings/nomad"
	"reloader/internal/prometheus/judge/settings/oci"
	"reloader/internal/prometheus/judge/settings/openstack"
	"reloader/internal/prometheus/judge/settings/outscale"
	"reloader/internal/prometheus/judge/settings/ovhcloud"
	"reloader/internal/prometheus/judge/settings/puppetdb"
	"reloader/internal/prometheus/judge/settings/scaleway"
	"reloader/internal/prometheus/judge/settings/stackit"
	"reloader/internal/prometheus/judge/settings/triton"
	"reloader/internal/prometheus/judge/settings/uyuni"
	"reloader/internal/prometheus/judge/settings/vultr"
	"reloader/internal/prometheus/judge/settings/xds"
	"reloader/internal/prometheus/judge/settings/zookeeper"
)

// Kinds are pointers to a value of each kind except static_configs and file_sd_configs, which need no client.
func Kinds() []discovery.Config {
	return slices.Concat(
		aws.Kinds(), azure.Kinds(), consul.Kinds(), digitalocean.Kinds(), dns.Kinds(), eureka.Kinds(), gce.Kinds(),
		hetzner.Kinds(), http.Kinds(), ionos.Kinds(), kubernetes.Kinds(), linode.Kinds(), marathon.Kinds(),
		moby.Kinds(), nomad.Kinds(), oci.Kinds(), openstack.Kinds(), outscale.Kinds(), ovhcloud.Kinds(), puppetdb.Kinds(),
		scaleway.Kinds(), stackit.Kinds(), triton.Kinds(), uyuni.Kinds(), vultr.Kinds(), xds.Kinds(), zookeeper.Kinds(),
	)
}

// Register registers all kinds. Call it once per process.
func Register() {
	for _, k := range Kinds() {
		discovery.RegisterConfig(k)
	}
}
