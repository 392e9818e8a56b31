// Package validation has what the checks of all kinds of Grafana's files share: one pass over a set of files, a bounded list
// of findings, and what the running server reported.
package validation
