// Package validator gets Prometheus' verdict on a set of files from the promcheck process or an external promtool.
package validator
