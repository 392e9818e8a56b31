// Package validation holds what the checks of all kinds of Grafana's files share: one pass over a set of files, its
// findings within bounds, and what the running server told.
package validation
