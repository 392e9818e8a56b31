package gate_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"reloader/internal/gate"
	"reloader/internal/snapshot"
)

// Readers of the gate find only files that passed the checks. What the server refused can be rolled back.
func ExampleGate() {
	dir, err := os.MkdirTemp("", "gate")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	g, err := gate.Open(dir, gate.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = g.Close() }()
	show := func(err error) {
		b, readErr := os.ReadFile(filepath.Join(dir, "prometheus.yml"))
		if err != nil || readErr != nil {
			fmt.Println(err, readErr)
			return
		}
		fmt.Printf("%s", b)
	}
	files := func(content string) *snapshot.Set {
		return snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "config"}, map[string][]byte{"prometheus.yml": []byte(content)}))
	}
	ctx := context.Background()

	show(g.Publish(ctx, files("first\n")))
	_ = g.Accept(g.Current()) // the server runs it

	show(g.Publish(ctx, files("second\n")))
	_, err = g.Rollback(ctx, g.Current()) // the server refused it
	show(err)
	// Output:
	// first
	// second
	// first
}
