package child

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"reloader/internal/finding"
	"reloader/internal/grafana/driver"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// The maximum sizes of a question and of an answer, in bytes.
const (
	maxHeader = 64 << 20
	maxBody   = 256 << 20
	maxAnswer = 64 << 20
)

// question is one line of JSON, followed by the bytes of all files in order. Both sides are the same program.
type question struct {
	// MemoryBytes and TimeoutMillis are bounds that the process enforces on itself.
	MemoryBytes, TimeoutMillis int64
	// Key makes the fingerprints of both processes comparable.
	Key     []byte
	Facts   finding.Facts
	Live    *validation.Live
	Running *finding.Outline
	Allow   []string
	Sources []source

	contents [][]byte
}

// source is a snapshot without its contents.
type source struct {
	Source  snapshot.Source
	Atomic  bool
	Missing []snapshot.Missing
	Files   []file
}

type file struct {
	Name string
	Size int64
}

// answer is a verdict, or the reason why there is none.
type answer struct {
	Findings []finding.Finding
	Outline  *finding.Outline
	// Expected is what the driver compares with the server; nil when the files are invalid.
	Expected *driver.Expected `json:",omitempty"`
	Error    string           `json:",omitempty"`
	// Done is last, so that a truncated answer is not accepted.
	Done bool
}

func newQuestion(req finding.Request) (*question, error) {
	q := &question{Key: finding.FingerprintKey(), Facts: req.Facts, Running: req.Running, Allow: req.Allow}
	q.Live, _ = req.Facts.Live.(*validation.Live)
	q.Facts.Live = nil
	for _, s := range req.Set.Snapshots {
		src := source{Source: s.Source, Atomic: s.Atomic, Missing: s.Missing}
		for _, f := range s.Files {
			b, held := s.Bytes(f.Name)
			if !held {
				return nil, fmt.Errorf("the contents of %s were forgotten", s.Source.UserPath(f.Name))
			}
			src.Files = append(src.Files, file{f.Name, int64(len(b))})
			q.contents = append(q.contents, b)
		}
		q.Sources = append(q.Sources, src)
	}
	return q, nil
}

// reader streams the question; total is the size of all files.
func (q *question) reader() (r io.Reader, total int64, err error) {
	header, err := json.Marshal(q)
	if err != nil {
		return nil, 0, fmt.Errorf("encode question: %w", err)
	}
	parts := []io.Reader{bytes.NewReader(append(header, '\n'))}
	for _, b := range q.contents {
		parts = append(parts, bytes.NewReader(b))
		total += int64(len(b))
	}
	return io.MultiReader(parts...), total, nil
}

// readQuestion reads a question. It calls begin before it reads the first byte of a file.
func readQuestion(r io.Reader, begin func(*question)) (finding.Request, error) {
	br := bufio.NewReader(r)
	header, err := readLine(br)
	if err != nil {
		return finding.Request{}, err
	}
	var q question
	if err := json.Unmarshal(header, &q); err != nil {
		return finding.Request{}, err
	}
	begin(&q)
	req := finding.Request{Facts: q.Facts, Running: q.Running, Allow: q.Allow}
	if q.Live != nil {
		req.Facts.Live = q.Live
	}
	var total int64
	var snaps []*snapshot.Snapshot
	for _, src := range q.Sources {
		files := make(map[string][]byte, len(src.Files))
		for _, f := range src.Files {
			if total += f.Size; f.Size < 0 || total > maxBody {
				return finding.Request{}, fmt.Errorf("more than %d bytes", maxBody)
			}
			b := make([]byte, f.Size)
			if _, err := io.ReadFull(br, b); err != nil {
				return finding.Request{}, fmt.Errorf("read %s: %w", f.Name, err)
			}
			files[f.Name] = b
		}
		s := snapshot.FromFiles(src.Source, files)
		s.Atomic, s.Missing = src.Atomic, src.Missing
		snaps = append(snaps, s)
	}
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
		return finding.Request{}, errors.New("more bytes than announced")
	}
	req.Set = snapshot.NewSet(snaps...)
	return req, nil
}

func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxHeader:
			return nil, fmt.Errorf("header of more than %d bytes", maxHeader)
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("read question: %w", err)
		}
	}
}

// parseAnswer reads an answer. An inconsistent answer is an error.
func parseAnswer(b []byte) (answer, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	var a answer
	if err := dec.Decode(&a); err != nil {
		return a, fmt.Errorf("parse answer: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return a, errors.New("parse answer: more than one answer")
	}
	switch {
	case a.Error != "":
		return a, errors.New(a.Error)
	case !a.Done:
		return a, errors.New("parse answer: no verdict in it")
	}
	for _, f := range a.Findings {
		if f.Line < 0 || f.Column < 0 || f.Severity < finding.Info || f.Severity > finding.Error {
			return a, errors.New("parse answer: a finding that makes no sense")
		}
	}
	return a, nil
}
