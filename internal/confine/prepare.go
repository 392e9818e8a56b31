package confine

import (
	"io/fs"
	"os"
	"sync"
	"time"
)

// A program that is started before its work is known is ready to work by the time it gets it.
const (
	// IdleFor is how long a program waits for its work. With fast propagation it starts when the API reports a change; the
	// kubelet writes within a second of the patch that follows, or of the second patch, which is sent after 2 s.
	IdleFor = 5 * time.Second
	// idleRoom is how much memory the container must have left: a waiting program takes memory from everything else.
	idleRoom = 128 << 20
	// The pause after a start that was not used; it doubles until one is used.
	wastedPause, wastedPauseMax = 10 * time.Second, 10 * time.Minute
)

// idle is the one program that waits for its work.
var idle = &waiting{room: Room, idleFor: IdleFor}

type waiting struct {
	room    func(most int64) Budget
	idleFor time.Duration

	mu sync.Mutex
	// c is the waiting process; nil: none. job is what it was started with; file identifies its program at that time.
	c    *child
	job  Job
	file fs.FileInfo
	// busy means that a start is in progress.
	busy      bool
	starts    sync.WaitGroup
	notBefore time.Time
	pause     time.Duration
}

// Prepare starts the program of a job with Stdin in the background, so that the next Run of that program need not start
// it. If there is no Run within IdleFor, it is killed. Call it at any hint that there will be work, as often as there
// are hints: there is at most one such process, and none if memory is short or another program is running. Hints that
// lead to no work are soon ignored.
func Prepare(program string, maxOutput int, most int64) { idle.prepare(program, maxOutput, most) }

func (w *waiting) prepare(program string, maxOutput int, most int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.c != nil || w.busy || time.Now().Before(w.notBefore) {
		return
	}
	select {
	case running <- struct{}{}: // a turn, until it has started
	default:
		return
	}
	w.busy = true
	w.starts.Go(func() {
		defer func() { <-running }()
		c, job, file := w.launch(program, maxOutput, most)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.busy = false
		if c == nil { // do not try again soon; the next Run reports why it fails
			w.notBefore = time.Now().Add(wastedPause)
			return
		}
		w.c, w.job, w.file = c, job, file
		time.AfterFunc(w.idleFor, func() { w.drop(c) })
	})
}

// noQuestion stands for a Stdin that is not known yet.
type noQuestion struct{}

func (noQuestion) Read([]byte) (int, error) { return 0, fs.ErrInvalid }

func (w *waiting) launch(program string, maxOutput int, most int64) (*child, Job, fs.FileInfo) {
	job := Job{Program: program, Stdin: noQuestion{}, MaxOutput: maxOutput, Memory: w.room(most)}
	if job.Memory.Hard < min(idleRoom, most) {
		return nil, job, nil
	}
	file, err := os.Stat(program)
	if err != nil {
		return nil, job, nil
	}
	c, err := start(job)
	if err != nil {
		return nil, job, nil
	}
	return c, job, file
}

// drop kills the waiting process if that is still c.
func (w *waiting) drop(c *child) {
	w.mu.Lock()
	if w.c != c {
		w.mu.Unlock()
		return
	}
	w.c = nil
	w.pause = min(max(wastedPause, 2*w.pause), wastedPauseMax)
	w.notBefore = time.Now().Add(w.pause)
	w.mu.Unlock()
	c.end()
}

// take returns the waiting process if it suits the job. If it does not, it is killed, because the job was sized
// without it, and take returns nil.
func (w *waiting) take(j Job) *child {
	w.mu.Lock()
	c, was, file := w.c, w.job, w.file
	w.c = nil
	w.mu.Unlock()
	if c == nil {
		return nil
	}
	if !c.suits(j, was, file) {
		c.end()
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pause, w.notBefore = 0, time.Time{}
	return c
}

// suits reports whether the job would be started in the same way now.
func (c *child) suits(j, was Job, file fs.FileInfo) bool {
	select {
	case <-c.ended: // its number may be another's by now
		return false
	default:
	}
	if died(c.cmd.Process.Pid) {
		return false
	}
	now, err := os.Stat(j.Program)
	return err == nil && os.SameFile(now, file) && now.ModTime().Equal(file.ModTime()) && j.Program == was.Program &&
		j.MaxOutput == was.MaxOutput && j.Stdin != nil && !j.Memory.tight && len(j.Args)+len(j.Env) == 0 &&
		// The process takes some of the room itself, and its garbage collector's settings cannot change.
		j.Memory.Hard >= was.Memory.Hard-idleRoom/4 && j.Memory.Hard >= minHard
}

// EndIdle kills the process that waits for work, if any.
func EndIdle() { idle.clear() }

func (w *waiting) clear() {
	w.starts.Wait()
	w.mu.Lock()
	c := w.c
	w.c = nil
	w.mu.Unlock()
	if c != nil {
		c.end()
	}
}
