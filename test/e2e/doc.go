// Package e2e tries reloader as a sidecar on a real kubelet, with the real Prometheus and, where
// E2E_GRAFANA_IMAGE names an image of it, the real Grafana. Run it with `make e2e`; run.sh says what
// else the environment can set. The tests have the build tag e2e.
package e2e
