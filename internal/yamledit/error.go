package yamledit

import "fmt"

// Error says why a text was not read or changed.
type Error struct {
	// Line counts from 1; 0 means unknown.
	Line int
	Text string
	// Hint says what to do about it; may be empty.
	Hint string
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return e.Text
}
