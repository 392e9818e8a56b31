package gate

import "fmt"

// historyName is the file that keeps the target's history across restarts.
const historyName = stateDir + "/history"

// maxHistory is the largest history that is used, in bytes.
const maxHistory = 256 << 10

// KeepHistory stores data, which History returns after a restart. It replaces what was stored before.
func (g *Gate) KeepHistory(data []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.heal()
	if err == nil {
		// A leftover of a failed attempt would be in the way.
		err = g.disk.remove(historyName + halfWritten)
	}
	if err == nil {
		err = g.replace(historyName, data)
	}
	if err != nil {
		return fmt.Errorf("keep the history in gate %q: %w", g.dir, err)
	}
	return nil
}

// History returns what was stored last; nil when there is nothing, or when it cannot be read.
func (g *Gate) History() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	data, err := g.disk.read(historyName, maxHistory)
	if err != nil {
		return nil
	}
	return data
}
