package confine

import "context"

var running = make(chan struct{}, 1)

// Turn waits until no other program is running here: each is sized by what the container has left, and two at
// once would both count on it. Call done to end the turn.
func Turn(ctx context.Context) (done func(), err error) {
	select {
	case running <- struct{}{}:
		return func() { <-running }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
