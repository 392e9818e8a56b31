package main

import (
	"context"
	"strings"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/snapshot"
)

var waitCommand = command{
	name: "wait", summary: "waits until the server is proven to run given files", run: runWait, flags: func() *flagSet { fs, _ := waitFlags(); return fs },
}

type waitOptions struct {
	client              httpclient.Options
	urls                []string
	digest, dir, target string
	synced              bool
	timeout             time.Duration

	awaited string // a digest or the beginning of one; empty with --synced
}

func waitFlags() (*flagSet, *waitOptions) {
	fs := newFlagSet("wait", `
Usage:
  reloader wait [--url URL]... (--digest D | --dir DIR | --synced) [--target NAME] [--timeout 120s]

Waits until a running reloader has proof that its server runs the files: those with a digest, those of a
local directory, or the newest ones in the pod. Before it reports success, reloader asks the server once more.

Exits 0 with proof. Exits 1 on timeout, if exactly these files were rejected or refused, or if the server
accepted them but runs something else. Exits 3 if reloader could not be reached at all.

Repeat --url to wait for several pods. A name with several addresses, such as a headless Service, stands for
all of them.

Example, after kubectl apply, in a pipeline:
  reloader wait --url http://monitor:9533 --dir ./prometheus --timeout 120s
`)
	o := &waitOptions{}
	fs.StringArrayVar(&o.urls, "url", []string{"http://127.0.0.1:9533"}, "base `URL` of the running reloader; repeatable")
	registerClient(fs, &o.client)
	fs.StringVar(&o.digest, "digest", "", "wait for this `DIGEST` (64 hexadecimal digits, or the first 12 or more)")
	fs.StringVar(&o.dir, "dir", "", "wait for the files of this `DIR`")
	fs.BoolVar(&o.synced, "synced", false, "wait until every target runs its newest files")
	fs.StringVar(&o.target, "target", "", "look only at the target of this `NAME`")
	fs.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long to wait")
	return fs, o
}

func runWait(ctx context.Context, args []string, std stdio) int {
	fs, o := waitFlags()
	if code, ok := fs.parseAlone(args, std); !ok {
		return code
	}
	given := 0
	for _, set := range []bool{o.digest != "", o.dir != "", o.synced} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return usageError(std, "wait", "give one of --digest, --dir and --synced")
	case o.digest != "" && (len(o.digest) < 12 || len(o.digest) > 64 || strings.Trim(strings.ToLower(o.digest), "0123456789abcdef") != ""):
		return usageError(std, "wait", "--digest: want 12 to 64 hexadecimal digits")
	}
	var remotes []*remote
	for _, base := range o.urls {
		r, err := newRemote(base, o.client)
		if err != nil {
			return usageError(std, "wait", "%s", err)
		}
		remotes = append(remotes, r)
	}
	o.awaited = strings.ToLower(o.digest)
	if o.dir != "" {
		digest, err := digestOf(ctx, o.dir)
		if err != nil {
			return failed(std, "wait", exitFailed, err)
		}
		o.awaited = digest.String()
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	return newWaiting(o, remotes).run(ctx, std)
}

// matches reports whether this is the awaited digest.
func (o *waitOptions) matches(d snapshot.Digest) bool {
	return o.awaited != "" && strings.HasPrefix(d.String(), o.awaited)
}
