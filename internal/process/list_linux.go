package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const proc = "/proc"

// maxComm is how many bytes of a name /proc/PID/comm keeps.
const maxComm = 15

// list returns all visible processes of that name, except this one.
func list(name string) ([]Process, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, err
	}
	var found []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || !hasName(pid, name) {
			continue
		}
		p, err := read(pid)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		if p.Start != 0 {
			found = append(found, p)
		}
	}
	return found, nil
}

// hasName reports whether a process has that name. It trusts comm first, because any program can choose its command
// line. The command line is needed for names that the kernel cut in comm.
func hasName(pid int, name string) bool {
	comm, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "comm"))
	if err != nil {
		return false
	}
	c := strings.TrimSuffix(string(comm), "\n")
	if c == name {
		return true
	}
	if len(name) <= maxComm || c != name[:maxComm] {
		return false
	}
	cmdline, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return false
	}
	arg0, _, _ := bytes.Cut(cmdline, []byte{0})
	return path.Base(string(arg0)) == name
}

// read reads uid and start time; Start is 0 for a zombie.
func read(pid int) (Process, error) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Process{}, err
	}
	p, err := parseStat(stat)
	if err != nil {
		return Process{}, fmt.Errorf("read %s/stat: %w", dir, err)
	}
	p.PID = pid
	if p.Start == 0 {
		return p, nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return Process{}, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		p.UID = int(st.Uid)
	}
	return p, nil
}

// parseStat finds parent and start time, the 4th and the 22nd field of /proc/PID/stat, see proc(5). A zombie starts at 0.
func parseStat(stat []byte) (p Process, err error) {
	// The second field is the name in parentheses, which may contain anything.
	_, rest, ok := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
	fields := strings.Fields(string(rest))
	if !ok || len(fields) < 20 {
		return p, errors.New("unknown format")
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return p, nil
	}
	if p.Parent, err = strconv.Atoi(fields[1]); err != nil {
		return p, err
	}
	p.Start, err = strconv.ParseUint(fields[19], 10, 64)
	return p, err
}
