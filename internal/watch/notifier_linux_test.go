package watch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"reloader/test/rig"
)

// When a watched directory is renamed and then removed, fsnotify reports an error while it holds its lock. A call to it at
// that moment must still return, even if the caller reads the errors only afterwards.
func TestErrorsBlockNoCall(t *testing.T) {
	t.Parallel()
	n, err := openNotifier()
	rig.Must(t, err)
	parent := t.TempDir()
	dir, moved := filepath.Join(parent, "dir"), filepath.Join(parent, "moved")
	for _, err := range []error{
		os.Mkdir(dir, 0o700), n.Add(dir),
		os.WriteFile(filepath.Join(dir, "a"), nil, 0o600), os.Remove(filepath.Join(dir, "a")),
		os.Rename(dir, moved), os.Remove(moved),
	} {
		rig.Must(t, err)
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for range n.Events() { // after the first pause, fsnotify is trying to report the error
			select {
			case <-n.Events():
			case <-time.After(300 * time.Millisecond):
				n.WatchList()
				return
			}
		}
	}()
	select {
	case <-asked:
	case <-time.After(rig.Patience):
		t.Fatal("the call waits for someone to read the error")
	}
	if err := <-n.Errors(); err == nil {
		t.Error("no error was reported")
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
