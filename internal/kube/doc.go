// Package kube talks to the Kubernetes API, only if configured: Events and fast propagation.
package kube
