package confine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reloader/test/rig"
)

// answers makes a program that notes each start in a file, and answers with its process ID and its question.
func answers(t *testing.T) (program string, starts func() int) {
	t.Helper()
	dir := t.TempDir()
	program = filepath.Join(dir, "answers")
	log := filepath.Join(dir, "starts")
	rig.WriteProgram(t, program, fmt.Sprintf("#!/bin/sh\necho $$ >>%s\necho $$\nexec /bin/cat\n", log))
	return program, func() int {
		b, _ := os.ReadFile(log)
		return strings.Count(string(b), "\n")
	}
}

// spare replaces the waiting process of this test binary by one of the test's own, with this much room.
func spare(t *testing.T, room int64, idleFor time.Duration) {
	t.Helper()
	restore := idle
	idle = &waiting{room: func(most int64) Budget { return Budget{Hard: min(room, most), Soft: m} }, idleFor: idleFor}
	t.Cleanup(func() {
		idle.clear()
		idle = restore
	})
}

// waits is the ID of the process that waits for work; 0: none.
func waits() int {
	idle.mu.Lock()
	defer idle.mu.Unlock()
	if idle.c == nil {
		return 0
	}
	return idle.c.cmd.Process.Pid
}

func prepared(t *testing.T, program string) (pid int) {
	t.Helper()
	Prepare(program, m, 1024*m)
	idle.starts.Wait()
	if pid = waits(); pid == 0 {
		t.Fatal("no process waits for work")
	}
	return pid
}

func ended(pid int) bool { return syscall.Kill(pid, 0) != nil }

func askIt(t *testing.T, j Job) (pid int) {
	t.Helper()
	j.MaxOutput, j.Memory = m, Budget{Hard: 1024 * m, Soft: m}
	out, err := Run(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := fmt.Sscanf(string(out.Stdout), "%d\nthe question", &pid); n != 1 || err != nil {
		t.Fatalf("%q: %v", out.Stdout, err)
	}
	return pid
}

// A process that was started early does one piece of work. The next one gets a new process.
func TestPrepared(t *testing.T) {
	spare(t, 1024*m, time.Hour)
	program, starts := answers(t)
	pid := prepared(t, program)
	for range 100 {
		Prepare(program, m, 1024*m)
	}
	if got := askIt(t, Job{Program: program, Stdin: strings.NewReader("the question")}); got != pid {
		t.Errorf("process %d did the work, but %d was waiting for it", got, pid)
	}
	if got := askIt(t, Job{Program: program, Stdin: strings.NewReader("the question")}); got == pid {
		t.Error("one process did the work twice")
	}
	if n := starts(); n != 2 {
		t.Errorf("%d starts for two questions", n)
	}
}

// A process that gets no work is ended, and a storm of hints without work starts no further processes.
func TestPreparedForNothing(t *testing.T) {
	spare(t, 1024*m, time.Second)
	program, starts := answers(t)
	Prepare(program, m, 1024*m)
	idle.starts.Wait()
	pid := waits() // 0 on a machine that took a second to get here
	rig.Until(t, "it is ended", func() bool { return waits() == 0 && (pid == 0 || ended(pid)) })
	for range 10_000 {
		Prepare(program, m, 1024*m)
	}
	idle.starts.Wait()
	if n := starts(); n > 1 {
		t.Errorf("%d starts, want at most 1", n)
	}
	if idle.pause != wastedPause {
		t.Errorf("a pause of %s, want %s", idle.pause, wastedPause)
	}
	// The pause grows up to a limit, and a process that gets work ends it.
	idle.idleFor = time.Millisecond
	for range 20 {
		idle.mu.Lock()
		idle.notBefore = time.Time{}
		idle.mu.Unlock()
		Prepare(program, m, 1024*m)
		idle.starts.Wait()
		rig.Until(t, "it is ended", func() bool { return waits() == 0 })
	}
	if idle.pause != wastedPauseMax {
		t.Errorf("a pause of %s after 21 starts for nothing, want %s", idle.pause, wastedPauseMax)
	}
	idle.idleFor, idle.notBefore = time.Hour, time.Time{}
	pid = prepared(t, program)
	if got := askIt(t, Job{Program: program, Stdin: strings.NewReader("the question")}); got != pid || !idle.notBefore.IsZero() || idle.pause != 0 {
		t.Errorf("process %d of %d, then a pause of %s", got, pid, idle.pause)
	}
}

// No process waits when there is too little memory, when something is already confined, or when the program cannot be started.
func TestNotPrepared(t *testing.T) {
	program, starts := answers(t)
	check := func(name string, room int64, program string) {
		t.Helper()
		spare(t, room, time.Hour)
		Prepare(program, m, 1024*m)
		idle.starts.Wait()
		if pid := waits(); pid != 0 || starts() != 0 {
			t.Errorf("%s: process %d, %d starts", name, pid, starts())
		}
	}
	check("little memory", idleRoom-1, program)
	check("no program", 1024*m, program+"-missing")
	done, err := Turn(t.Context())
	rig.Must(t, err)
	defer done()
	check("something is confined", 1024*m, program)
}

// If the waiting process does not suit the work, it is ended first: the memory for the work was calculated without it.
func TestPreparedForSomethingElse(t *testing.T) {
	program, _ := answers(t)
	other, _ := answers(t)
	question := func() Job { return Job{Program: program, Stdin: strings.NewReader("the question")} }
	for name, change := range map[string]func(*Job, int){
		"other program": func(j *Job, _ int) { j.Program = other },
		"environment":   func(j *Job, _ int) { j.Env = []string{"A=b"} },
		"replaced": func(*Job, int) {
			text, err := os.ReadFile(program)
			rig.Must(t, err)
			rig.Must(t, os.Remove(program))
			rig.WriteProgram(t, program, string(text))
		},
		"killed": func(_ *Job, pid int) {
			rig.Must(t, syscall.Kill(pid, syscall.SIGKILL))
			rig.Until(t, "it has ended", func() bool { return died(pid) })
		},
	} {
		spare(t, 1024*m, time.Hour)
		pid := prepared(t, program)
		j := question()
		change(&j, pid)
		if got := askIt(t, j); got == pid || !ended(pid) {
			t.Errorf("%s: process %d did the work, %d waited and has ended: %t", name, got, pid, ended(pid))
		}
	}
}

// A process that has ended is not used, even if another child has got its process ID meanwhile.
func TestPreparedNumberOfAnother(t *testing.T) {
	spare(t, 1024*m, time.Hour)
	program, _ := answers(t)
	prepared(t, program)
	idle.mu.Lock()
	c, was, file := idle.c, idle.job, idle.file
	idle.mu.Unlock()
	j := Job{Program: program, Stdin: strings.NewReader("the question"), MaxOutput: m, Memory: was.Memory}
	gone := &child{cmd: c.cmd, ended: make(chan struct{})}
	close(gone.ended)
	if !c.suits(j, was, file) || gone.suits(j, was, file) {
		t.Errorf("what waits suits: %t; what has ended suits: %t", c.suits(j, was, file), gone.suits(j, was, file))
	}
}

// Hints, work and the end of the wait may happen at the same time.
func TestPreparedRaces(t *testing.T) {
	spare(t, 1024*m, time.Millisecond)
	program, _ := answers(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				Prepare(program, m, 1024*m)
			}
		})
		all.Go(func() {
			for range 5 {
				done, err := Turn(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				out, err := Run(t.Context(), Job{Program: program, Stdin: strings.NewReader("the question"), MaxOutput: m, Memory: Budget{Hard: 1024 * m, Soft: m}})
				done()
				if err != nil || !strings.HasSuffix(string(out.Stdout), "\nthe question") {
					t.Errorf("%q, %v", out.Stdout, err)
				}
			}
		})
	}
	all.Wait()
}
