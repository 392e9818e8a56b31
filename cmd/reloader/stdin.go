package main

import (
	"context"
	"io"
)

// untilDone reads from r until ctx ends: standard input may be a pipe that no one writes to.
func untilDone(ctx context.Context, r io.Reader) io.Reader {
	if r == nil {
		return nil
	}
	return &endingReader{ctx: ctx, r: r}
}

type endingReader struct {
	ctx context.Context
	r   io.Reader
}

func (e *endingReader) Read(p []byte) (int, error) {
	type read struct {
		n   int
		err error
	}
	// A buffer of its own: a read that ends after ctx must not write to p.
	buf, done := make([]byte, len(p)), make(chan read, 1)
	go func() {
		n, err := e.r.Read(buf)
		done <- read{n, err}
	}()
	select {
	case got := <-done:
		return copy(p, buf[:got.n]), got.err
	case <-e.ctx.Done():
		return 0, context.Cause(e.ctx)
	}
}
