package snapshot

import (
	"testing"

	"reloader/test/leaks"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) { leaks.Main(m) }
