// Package validator judges Grafana's provisioning files, dashboards and grafana.ini as the server of a given version would.
package validator
