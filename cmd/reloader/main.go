// Command reloader keeps Prometheus and Grafana on the newest valid configuration of a mounted directory.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Catch SIGHUP from the start: by default it ends the process.
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	// After the first signal the default action is back, so a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	// Another process of this program judges Grafana's files; if its path is unknown, this process does.
	self, _ := os.Executable()
	os.Exit(run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, hangUp: hangUp, self: self}))
}
