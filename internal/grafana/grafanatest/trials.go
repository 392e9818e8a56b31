package grafanatest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Trial is a set of files that was tried with real servers, and what they did.
type Trial struct {
	Case        string            `json:"case"`
	Files       map[string]string `json:"files"`
	FilesLinks  map[string]string `json:"files_links"`
	FilesBase64 map[string]string `json:"files_base64"`
	Seed        map[string]string `json:"seed"`
	SeedLinks   map[string]string `json:"seed_links"`
	SeedBase64  map[string]string `json:"seed_base64"`
	// APISeed are requests that were sent first: method, path, body.
	APISeed  [][3]json.RawMessage `json:"api_seed"`
	Verdicts map[string]struct {
		ReloadStatus int  `json:"reload_status"`
		StartOK      bool `json:"start_ok"`
		ServerAlive  bool `json:"server_alive"`
	} `json:"verdicts"`
}

// Bad reports whether the real server of that version failed the reload, did not start or died.
func (t Trial) Bad(version string) bool {
	v := t.Verdicts[version]
	return v.ReloadStatus != 200 || !v.StartOK || !v.ServerAlive
}

// Trials reads the trials of a kind from KIND.jsonl in dir. It fails if there are none.
func Trials(dir, kind string) ([]Trial, error) {
	f, err := os.Open(filepath.Join(dir, kind+".jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []Trial
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var t Trial
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return nil, fmt.Errorf("%s: trial %d: %w", f.Name(), len(out)+1, err)
		}
		out = append(out, t)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	if len(out) == 0 {
		return nil, errors.New(f.Name() + ": no trials")
	}
	return out, nil
}
