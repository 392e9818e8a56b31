package yamledit

import "fmt"

// Error says why a text could not be read or changed.
type Error struct {
	// Line and Column count from 1; 0 means unknown.
	Line, Column int
	Text         string
	// Hint says what to do about it; may be empty.
	Hint string
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return e.Text
}
