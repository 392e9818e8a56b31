package prometheustest

import "time"

// SetClock sets the server's clock ahead of this machine's clock; behind if negative.
func (s *Server) SetClock(ahead time.Duration) { s.set(func() { s.clock = ahead }) }

// now is the server's time; the caller holds the lock.
func (s *Server) now() time.Time { return time.Now().Add(s.clock) }
