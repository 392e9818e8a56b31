// Package provisioning reads YAML as Grafana's provisioning does: its scalar rules, its duplicate keys and its
// value expansion, with the position of everything it complains about.
package provisioning
