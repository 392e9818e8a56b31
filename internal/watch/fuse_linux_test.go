package watch

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"reloader/test/rig"
)

// hang mounts a file system that never answers, like a network disk whose server is down.
func hang(t *testing.T, dir string) {
	t.Helper()
	device, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no file system of our own here: ", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device)
	if err := syscall.Mount("fuse", dir, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		_ = syscall.Close(device)
		t.Skip("no file system of our own here: ", err)
	}
	t.Cleanup(func() {
		rig.Must(t, syscall.Unmount(dir, syscall.MNT_DETACH))
		rig.Must(t, syscall.Close(device)) // pending calls end with an error
	})
	// Only the kernel's first request is answered, with the protocol version.
	request := make([]byte, 1<<20)
	n, err := syscall.Read(device, request)
	if err != nil || n < 40 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	answer := make([]byte, 16+64)
	binary.NativeEndian.PutUint32(answer[0:], uint32(len(answer)))
	copy(answer[8:16], request[8:16])                        // which request
	binary.NativeEndian.PutUint32(answer[16:], 7)            // version
	binary.NativeEndian.PutUint32(answer[20:], 31)           // minor version
	binary.NativeEndian.PutUint32(answer[24:], 65536)        // read ahead
	binary.NativeEndian.PutUint32(answer[36:], 65536)        // largest write
	if _, err := syscall.Write(device, answer); err != nil { // refused: the kernel needs another version
		t.Skip("the kernel speaks another version: ", err)
	}
}

// While the watcher waits for a directory that hangs, changes elsewhere still cause hints.
func TestChangesDuringAHungSurvey(t *testing.T) {
	if !alone(t) {
		return
	}
	dir, hung := t.TempDir(), filepath.Join(t.TempDir(), "hung")
	rig.Must(t, os.Mkdir(hung, 0o755))
	hang(t, hung)
	w := start(t, Options{Interval: never})
	s := w.Subscribe([]string{dir})
	until(t, s, "subscribing", func() bool { return true })
	quiet(s)
	subscribed := make(chan struct{})
	go func() { defer close(subscribed); w.Subscribe([]string{hung}) }()
	rig.Until(t, "the survey of it", func() bool { return len(w.wake) == 0 })
	hinted := 0
	for i := 0; hinted < 5; i++ {
		put(t, filepath.Join(dir, fmt.Sprintf("%d.yml", i)), "1")
		select {
		case <-s.C():
			hinted++
		case <-subscribed:
			t.Fatalf("%d changes caused hints while the directory was waited for, want 5", hinted)
		}
	}
	// Once the wait is over, directories made meanwhile are watched too.
	put(t, filepath.Join(dir, "sub", "a.yml"), "1")
	<-subscribed
	step(t, s, "a change in a directory that was made meanwhile", func() { put(t, filepath.Join(dir, "sub", "a.yml"), "2") }, holds(filepath.Join(dir, "sub", "a.yml"), "2"))
}
