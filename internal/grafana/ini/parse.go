package ini

import (
	"fmt"

	"gopkg.in/ini.v1"
)

// maxNames limits the keys and sections of a file that is judged. Grafana's own file of all settings has about a
// thousand, and the library's time grows with their square.
const maxNames = 5000

// parse returns the values that the library reads, with the positions that scan finds.
func parse(data []byte) document {
	doc := scan(data)
	switch {
	case doc.fault != nil:
		return doc
	case len(doc.entries)+len(doc.headers) > maxNames:
		doc.fault = &fault{line: 1, col: 1, message: fmt.Sprintf("the file has more keys and sections than the %d that reloader judges", maxNames)}
		return doc
	case backslashAfterQuote(data):
		return doc // the linked version of the library reads this differently from Grafana's
	}
	file, err := ini.Load(data)
	if err != nil {
		// Not reached as long as scan agrees with the library; a file that cannot be read never passes.
		doc.fault = &fault{line: 1, col: 1, message: "the file cannot be parsed"}
		return doc
	}
	for i := range doc.entries {
		e := &doc.entries[i]
		// All duplicates of a key get its last value.
		if section, err := file.GetSection(e.section); err == nil && section.HasKey(e.key) {
			e.value = section.Key(e.key).Value()
		}
	}
	return doc
}
