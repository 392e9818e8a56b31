package ini

// Value is the value that Grafana reads for one key. set is false if neither the file nor the environment visible to this
// process sets it; known is false if only the server can tell.
func Value(data []byte, opts Options, section, key string) (text string, set, known bool) {
	if opts.Env.Same {
		if override := opts.Env.Lookup(envName(section, key)); override != "" {
			text, unknown := opts.expand(override)
			return text, true, !unknown
		}
	}
	if len(data) > maxSize {
		return "", false, false
	}
	doc := parse(data)
	if doc.fault != nil || len(doc.entries)+len(doc.headers) > maxNames {
		return "", false, false
	}
	s := newSettings(doc, opts)
	if s.keys[section][key] == nil {
		return "", false, true
	}
	text, known = s.get(section, key)
	return text, true, known
}

// Values are the values of a grafana.ini by section and key, as the library reads them; nil when it cannot parse the file.
// Never show them: some are passwords.
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
