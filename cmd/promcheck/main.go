// Command promcheck gives Prometheus' verdict on files from standard input. reloader starts it.
package main

import "os"

// Set by the linker.
var version, revision = "dev", "unknown"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
