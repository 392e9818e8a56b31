package prometheustest

import "time"

// SetClock makes the server's clock run that far ahead of this machine's, from now on; behind when it is negative.
func (s *Server) SetClock(ahead time.Duration) { s.set(func() { s.clock = ahead }) }

// now is the server's time; the lock must be held.
func (s *Server) now() time.Time { return time.Now().Add(s.clock) }
