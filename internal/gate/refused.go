package gate

import (
	"encoding/json"
	"fmt"
	"path"

	"reloader/internal/snapshot"
)

// refusedName is the file that lists what the server refused. It survives a restart of reloader, which then does
// not try the same files on the same server again.
const refusedName = stateDir + "/refused"

type refusedNote struct {
	Version int `json:"version"`
	// Server is the server's version; Epoch is the run of its process that refused.
	Server  string            `json:"server"`
	Epoch   string            `json:"epoch"`
	Digests []snapshot.Digest `json:"digests"`
}

// Refuse records which digests the server refuses, with its version and the run of its process (epoch). It replaces
// the earlier record; without digests it removes the record.
func (g *Gate) Refuse(server, epoch string, digests []snapshot.Digest) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.heal()
	if err == nil {
		err = g.writeRefused(refusedNote{Version: noteVersion, Server: server, Epoch: epoch, Digests: digests})
	}
	if err != nil {
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
	// A leftover of a failed attempt would be in the way.
	if err := g.disk.remove(refusedName + halfWritten); err != nil {
		return err
	}
	return g.replace(refusedName, data)
}

// Refused returns what was recorded last; nothing when there is no usable record.
func (g *Gate) Refused() (server, epoch string, digests []snapshot.Digest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var n refusedNote
	data, err := g.disk.read(refusedName, maxNote)
	if err != nil || json.Unmarshal(data, &n) != nil || n.Version != noteVersion {
		return "", "", nil
	}
	return n.Server, n.Epoch, n.Digests
}

// replace rewrites a note atomically.
func (g *Gate) replace(name string, data []byte) error {
	temp := name + halfWritten
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
