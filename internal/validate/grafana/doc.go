// Package grafana judges Grafana's provisioning files, dashboards and grafana.ini as the server of a given version would.
package grafana
