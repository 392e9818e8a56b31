package ini

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"reloader/internal/lazyregexp"
)

// ParseBool parses the words that ini.v1 accepts: unlike Grafana's YAML files also yes, no, on and off.
func ParseBool(s string) (value, ok bool) {
	switch s {
	case "1", "t", "T", "true", "TRUE", "True", "YES", "yes", "Yes", "y", "ON", "on", "On":
		return true, true
	case "0", "f", "F", "false", "FALSE", "False", "NO", "no", "No", "n", "OFF", "off", "Off":
		return false, true
	}
	return false, false
}

// parseInt accepts what the library does: decimal, 0x, 0o, 0b, and a leading 0 for octal.
func parseInt(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 0, 64)
	return n, err == nil
}

var dateUnit = lazyregexp.New(`^(\d+)([dwMy])$`)

// ParseDuration accepts Go's durations, and a whole number of d, w, M or y.
func ParseDuration(s string) (time.Duration, error) {
	m := dateUnit().FindStringSubmatch(s)
	if m == nil {
		return time.ParseDuration(s)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, errors.New("number out of range")
	}
	const day = 24 * time.Hour
	const year = day * 1461 / 4
	unit := map[string]time.Duration{"d": day, "w": 7 * day, "M": year / 12, "y": year}[m[2]]
	return time.Duration(n) * unit, nil
}

var listItem = lazyregexp.New(`"[^"]+"|[^,\t\n\v\f\r ]+`)

// splitList splits a list as Grafana does: a JSON list, or items separated by commas or white space.
func splitList(s string) []string {
	if strings.HasPrefix(strings.TrimSpace(s), "[") {
		var out []string
		if json.Unmarshal([]byte(s), &out) != nil {
			return nil
		}
		return out
	}
	out := listItem().FindAllString(s, -1)
	for i := range out {
		out[i] = strings.Trim(out[i], `"`)
	}
	return out
}
