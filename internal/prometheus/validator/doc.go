// Package validator asks the promcheck process, or an external promtool, for Prometheus' verdict on a set of files.
package validator
