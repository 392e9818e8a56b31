// Package status shows what the targets do: metrics, JSON, a page, health.
package status
