package watch_test

import (
	"fmt"
	"os"
	"path/filepath"

	"reloader/internal/watch"
)

// A subscriber reads and compares after each hint. A hint does not say that something has changed.
func Example() {
	dir, err := os.MkdirTemp("", "watch")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "prometheus.yml")

	w := watch.New(watch.Options{})
	defer w.Close()
	hints := w.Subscribe([]string{dir})
	defer hints.Close()

	if err := os.WriteFile(name, []byte("global: {}\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	for range hints.C() {
		if b, err := os.ReadFile(name); err == nil && len(b) > 0 {
			fmt.Printf("%s", b)
			break
		}
	}
	// Output: global: {}
}
