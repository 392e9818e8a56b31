// Package e2e tests reloader as a sidecar on a real kubelet, with the real Prometheus and, if
// E2E_GRAFANA_IMAGE names an image, the real Grafana. Run it with `make e2e`; run.sh lists the other
// variables. The tests have the build tag e2e.
package e2e
