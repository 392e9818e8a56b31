package ini

// Values are the values of a grafana.ini by section and key, as Grafana reads them; nil when it does not read the file.
// They may hold passwords: show none of them.
func Values(data []byte) map[[2]string]string {
	doc := parse(data)
	if doc.fault != nil {
		return nil
	}
	values := map[[2]string]string{}
	for _, e := range doc.entries {
		values[[2]string{e.section, e.key}] = e.value
	}
	return values
}
