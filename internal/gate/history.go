package gate

import "fmt"

// historyName is where the history of the target is kept, so that it outlives this process.
const historyName = stateDir + "/history"

// maxHistory bounds what is read of it, in bytes.
const maxHistory = 256 << 10

// KeepHistory keeps data, which History returns after a restart, in place of what was kept before.
func (g *Gate) KeepHistory(data []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	// One of an earlier try that failed would be in the way.
	if err := g.disk.remove(historyName + unfinal); err != nil {
		return fmt.Errorf("keep the history in gate %q: %w", g.dir, err)
	}
	if err := g.replace(historyName, data); err != nil {
		return fmt.Errorf("keep the history in gate %q: %w", g.dir, err)
	}
	return nil
}

// History is what was kept last; nil when nothing was, or when it cannot be read.
func (g *Gate) History() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	data, err := g.disk.read(historyName)
	if err != nil || len(data) > maxHistory {
		return nil
	}
	return data
}
