// Package kube speaks to the Kubernetes API, where that was asked for: Events and fast propagation.
package kube
