package page

import (
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// heartbeat keeps proxies from closing a stream on which nothing happens.
	heartbeat = 25 * time.Second
	// maxStreams limits the open pages that follow changes; further ones refresh slowly.
	maxStreams = 100
	// writeTimeout is how long a client that does not read may block its own stream.
	writeTimeout = 10 * time.Second
)

// hub notifies open event streams that something changed. Without streams it does nothing.
type hub struct {
	mu      sync.Mutex
	streams map[chan struct{}]bool
	stopped chan struct{}
	over    bool
}

func (h *hub) changed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.streams {
		select {
		case c <- struct{}{}:
		default: // a notice is already waiting
		}
	}
}

// join returns the channel of a new stream and the one that is closed at the end; nil if there are too many streams, or
// after the end.
func (h *hub) join() (notices chan struct{}, stopped <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams == nil {
		h.streams, h.stopped = map[chan struct{}]bool{}, make(chan struct{})
	}
	if h.over || len(h.streams) >= maxStreams {
		return nil, nil
	}
	notices = make(chan struct{}, 1)
	h.streams[notices] = true
	return notices, h.stopped
}

func (h *hub) leave(c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, c)
}

func (h *hub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped != nil && !h.over {
		close(h.stopped)
	}
	h.over = true
}

// serve streams a message for each change, without contents: the page is then fetched again.
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	notices, stopped := h.join()
	if notices == nil {
		http.Error(w, "too many open pages", http.StatusServiceUnavailable)
		return
	}
	defer h.leave(notices)
	headers(w, "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	send := func(text string) bool {
		// The server's own write timeout is meant for short answers.
		if err := out.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return false
		}
		if _, err := io.WriteString(w, text); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	ok := send("retry: 2000\n\n")
	for ok {
		select {
		case <-notices:
			ok = send("data: changed\n\n")
		case <-beat.C:
			ok = send(": still here\n\n")
		case <-stopped:
			return
		case <-r.Context().Done():
			return
		}
	}
}
