// Package e2e tries reloader as a sidecar on a real kubelet, with the real Prometheus. Run it with
// `make e2e`; the tests have the build tag e2e.
package e2e
