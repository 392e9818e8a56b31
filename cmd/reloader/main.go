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
	// From the first moment: before it is caught, a SIGHUP ends the process.
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	// After the first signal the default action is back, so a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	// Grafana's files are judged by this program, started again. Where its path is unknown, by this process.
	self, _ := os.Executable()
	os.Exit(run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, hangUp: hangUp, self: self}))
}
