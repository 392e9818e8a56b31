package finding

import "fmt"

// String is the severity as users read it: "error", "warning", "info".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Info:
		return "info"
	default:
		return "unknown"
	}
}

// MarshalText writes severities as words in JSON.
func (s Severity) MarshalText() ([]byte, error) {
	switch s {
	case Error, Warning, Info:
		return []byte(s.String()), nil
	default:
		return nil, fmt.Errorf("marshal severity: %d is none", uint8(s))
	}
}

// UnmarshalText accepts what MarshalText writes.
func (s *Severity) UnmarshalText(b []byte) error {
	for _, v := range []Severity{Error, Warning, Info} {
		if string(b) == v.String() {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("parse severity %q: want error, warning or info", b)
}
