package gate

import (
	"encoding/json"
	"fmt"
	"path"

	"reloader/internal/snapshot"
)

// refusedName is the note of what the server refused. It outlives this process, so that a restart of
// reloader does not try it on the same server again.
const refusedName = stateDir + "/refused"

// refusedNote is what is kept of refusals.
type refusedNote struct {
	Version int `json:"version"`
	// Server is the server's version, and Epoch the life of it that refused.
	Server  string            `json:"server"`
	Epoch   string            `json:"epoch"`
	Digests []snapshot.Digest `json:"digests"`
}

// Refuse notes which digests the server refuses in this version and life of it, in place of what was
// noted before; none at all takes the note away.
func (g *Gate) Refuse(server, epoch string, digests []snapshot.Digest) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.writeRefused(refusedNote{Version: noteVersion, Server: server, Epoch: epoch, Digests: digests}); err != nil {
		return fmt.Errorf("note refusals in gate %q: %w", g.dir, err)
	}
	return nil
}

func (g *Gate) writeRefused(n refusedNote) error {
	if len(n.Digests) == 0 {
		if !g.exists(refusedName) {
			return nil
		}
		if err := g.disk.remove(refusedName); err != nil {
			return err
		}
		return g.disk.sync(stateDir)
	}
	data, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode the note: %w", err)
	}
	// One of an earlier try that failed would be in the way.
	if err := g.disk.remove(refusedName + unfinal); err != nil {
		return err
	}
	return g.replace(refusedName, data)
}

// Refused is what was noted last; nothing when there is no note that can be used.
func (g *Gate) Refused() (server, epoch string, digests []snapshot.Digest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var n refusedNote
	data, err := g.disk.read(refusedName)
	if err != nil || json.Unmarshal(data, &n) != nil || n.Version != noteVersion {
		return "", "", nil
	}
	return n.Server, n.Epoch, n.Digests
}

// replace rewrites a note, in one step for its readers.
func (g *Gate) replace(name string, data []byte) error {
	temp := name + unfinal
	if err := g.disk.write(temp, data, 0o600); err != nil {
		return err
	}
	if err := g.disk.sync(temp); err != nil {
		return err
	}
	if err := g.disk.rename(temp, name); err != nil {
		return err
	}
	return g.disk.sync(path.Dir(name))
}
