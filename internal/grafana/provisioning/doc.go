// Package provisioning reads YAML as Grafana's provisioning does, with its rules for scalars, duplicate keys and value
// expansion, and reports each problem with its position.
package provisioning
