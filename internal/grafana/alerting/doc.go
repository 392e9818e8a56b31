// Package alerting judges Grafana's alerting files: rules, contact points, policies, mute timings and templates.
package alerting
