package validator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
)

// Protocol is the version of the protocol between the client and the promcheck process.
// Both sides refuse any other.
const Protocol = 3

// MaxBroken bounds Question.Broken.
const MaxBroken = 1000

// Bounds of a question and an answer, in bytes except maxFiles, so that neither side can make the other allocate
// without end.
const (
	maxHeader = 64 << 20
	maxBody   = 512 << 20
	maxFiles  = 200_000
	maxAnswer = 16 << 20
)

// Known as the size of a rule file means that its verdict is already known and its bytes are not sent.
const Known = -1

// Question is what the client sends to the process: one line of JSON, followed by the bytes of
// all files that are not Known, in order, with nothing between them.
type Question struct {
	Protocol int `json:"protocol"`
	// TimeoutMillis is the number of milliseconds after which the process ends itself; 0: never.
	TimeoutMillis int64 `json:"timeoutMillis"`
	// MemoryBytes bounds the private memory of the process, in bytes; 0: no bound.
	MemoryBytes int64 `json:"memoryBytes,omitempty"`
	// Version, Agent and Features are the server's facts, as in finding.Facts.
	Version  string   `json:"version,omitempty"`
	Agent    bool     `json:"agent,omitempty"`
	Features []string `json:"features,omitempty"`
	// Offline is finding.Request.Offline: Answer.Expected has no digests then, and the groups of Answer.Rules are not Shown.
	Offline bool `json:"offline,omitempty"`
	// Web is finding.Facts.WebConfig.
	Web string `json:"web,omitempty"`
	// Main is the index of the main file in Files.
	Main int `json:"main"`
	// Dirs are the directories whose files are all in Files, as the server names them.
	Dirs []string `json:"dirs,omitempty"`
	// Atomic are those of Dirs that contain the kubelet's ..data link, which a pattern may match.
	Atomic []string `json:"atomic,omitempty"`
	// Broken are names in Dirs that lead to no readable file, as the server names them, at most MaxBroken: links to nothing and
	// to themselves, and named pipes.
	Broken []string `json:"broken,omitempty"`
	// Links has where those of Broken lead that are links.
	Links map[string]string `json:"links,omitempty"`
	// Scheme is the name validation scheme under which the known files were judged.
	Scheme string `json:"scheme,omitempty"`
	// Key makes fingerprints comparable within one client and useless elsewhere.
	Key   []byte `json:"key,omitempty"`
	Files []File `json:"files"`
	// Compare asks for a comparison instead of a verdict: of what a server shows, which is sent as the main file, with what
	// was expected.
	Compare *Comparison `json:"compare,omitempty"`
}

// Comparison says what to compare of a server whose version differs from the library's.
type Comparison struct {
	// Configuration says that the main file is the answer of /api/v1/status/config.
	Configuration bool `json:"configuration,omitempty"`
	// Jobs says that the main file is a list of jobs as /api/v1/scrape_pools/config prints them.
	Jobs bool `json:"jobs,omitempty"`
	// Dir is the server's working directory, when it was started with a relative --config.file.
	Dir string `json:"dir,omitempty"`
	// Items and Wild are those of the proof.Expected.
	Items []proof.Item `json:"items,omitempty"`
	Wild  []string     `json:"wild,omitempty"`
	// Groups are rule groups; the library prints their expressions in its own way.
	Groups []proof.ServerGroup `json:"groups,omitempty"`
}

// Compared is the answer to a Comparison.
type Compared struct {
	// Differences are the names of the parts that differ.
	Differences []string `json:"differences,omitempty"`
	// LeftOut are settings that could not be compared, because one of the versions does not know them or the files leave them
	// to a default that depends on the version.
	LeftOut []string `json:"leftOut,omitempty"`
	// Failed says why the configuration could not be compared at all.
	Failed string              `json:"failed,omitempty"`
	Groups []proof.ServerGroup `json:"groups,omitempty"`
}

// File is one visible file.
type File struct {
	// Path is where the server sees the file.
	Path string `json:"path"`
	// Size is in bytes, or Known.
	Size int64 `json:"size"`
	// Content follows the header on the wire.
	Content []byte `json:"-"`
}

// Answer is the process's answer.
type Answer struct {
	Protocol int `json:"protocol"`
	// Library is the version of Prometheus that the process was built with.
	Library string `json:"library"`
	// Scheme is the name validation scheme under which rule files were judged.
	Scheme string `json:"scheme"`
	// Findings of all files that were sent.
	Findings []Finding `json:"findings,omitempty"`
	// Rules are the rule files that were sent and judged.
	Rules []RuleFile `json:"rules,omitempty"`
	// Unused are indexes of known files that are not rule files of this configuration.
	Unused []int `json:"unused,omitempty"`
	// Need are indexes of known files whose bytes are needed after all; then the rest of the
	// answer does not count.
	Need []int `json:"need,omitempty"`
	// Broken means that the main file cannot be parsed at all, so Items are incomplete.
	Broken bool `json:"broken,omitempty"`
	// Items are the named parts of the main file and the scrape_config_files.
	Items []finding.Item `json:"items,omitempty"`
	// Expected is what a server that runs these files will show, except for its rules; nil when they are invalid.
	Expected *proof.Expected `json:"expected,omitempty"`
	// Untold means that the process does not know what the server will show, for example a newer one.
	Untold bool `json:"untold,omitempty"`
	// RulePaths are the rule files as the server names them, in the order in which it reads them.
	RulePaths []RulePath `json:"rulePaths,omitempty"`
	// Rereads are files that the server reads again by itself and uses for nothing else.
	Rereads []int `json:"rereads,omitempty"`
	// Compared answers Question.Compare.
	Compared *Compared `json:"compared,omitempty"`
}

// RulePath is a rule file under the path that the server uses.
type RulePath struct {
	File int    `json:"file"`
	Path string `json:"path"`
}

// Finding is a finding.Finding whose file is an index of Question.Files.
type Finding struct {
	File     int              `json:"file"`
	Line     int              `json:"line,omitempty"`
	Column   int              `json:"column,omitempty"`
	Severity finding.Severity `json:"severity"`
	Rule     string           `json:"rule"`
	Message  string           `json:"message"`
	Hint     string           `json:"hint,omitempty"`
	// Query is the expression of a finding that may not apply to the server's version: the running server decides.
	Query string `json:"query,omitempty"`
	// More and Open are those of a finding.Finding.
	More int  `json:"more,omitempty"`
	Open bool `json:"open,omitempty"`
}

func (f Finding) of(file string) finding.Finding {
	return finding.Finding{
		File: file, Line: f.Line, Column: f.Column, Severity: f.Severity, Rule: f.Rule, Message: f.Message, Hint: f.Hint, More: f.More, Open: f.Open,
	}
}

// RuleFile lists the groups of a rule file.
type RuleFile struct {
	File   int     `json:"file"`
	Groups []Group `json:"groups,omitempty"`
}

// Group is a rule group.
type Group struct {
	Name        string `json:"name"`
	Fingerprint uint64 `json:"fingerprint"`
	// Shown is how the server will show the group; nil for one without rules, which it does not show.
	Shown *proof.Group `json:"shown,omitempty"`
}

// reader streams the question as it goes over the wire.
func (q *Question) reader() (io.Reader, error) {
	header, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("encode question: %w", err)
	}
	parts := make([]io.Reader, 0, 1+len(q.Files))
	parts = append(parts, bytes.NewReader(append(header, '\n')))
	for i := range q.Files {
		if len(q.Files[i].Content) > 0 {
			parts = append(parts, bytes.NewReader(q.Files[i].Content))
		}
	}
	return io.MultiReader(parts...), nil
}

// ReadQuestion reads a question and the bytes of its files. It allocates no more than what arrives. begin,
// if not nil, is called before the first byte of a file is read.
func ReadQuestion(r io.Reader, begin func(*Question)) (*Question, error) {
	br := bufio.NewReaderSize(r, 256<<10)
	var q Question
	header, err := readLine(br)
	if err == nil {
		err = json.Unmarshal(header, &q)
	}
	if err == nil || q.Protocol != 0 && q.Protocol != Protocol { // a question of another protocol may not be readable
		err = q.check()
	}
	if err != nil {
		return nil, fmt.Errorf("read question: %w", err)
	}
	if begin != nil {
		begin(&q)
	}
	if err := q.readBody(br); err != nil {
		return nil, fmt.Errorf("read question: %w", err)
	}
	return &q, nil
}

func (q *Question) check() error {
	if q.Protocol != Protocol {
		return fmt.Errorf("protocol %d, want %d", q.Protocol, Protocol)
	}
	if len(q.Files) > maxFiles {
		return fmt.Errorf("%d files, at most %d", len(q.Files), maxFiles)
	}
	if q.Main < 0 || q.Main >= len(q.Files) || q.Files[q.Main].Size == Known {
		return errors.New("the main file is not among the files sent")
	}
	var total int64
	for _, f := range q.Files {
		if f.Size < Known || f.Size > maxBody {
			return fmt.Errorf("file of %d bytes, at most %d", f.Size, maxBody)
		}
		if total += max(f.Size, 0); total > maxBody {
			return fmt.Errorf("more than %d bytes in all", maxBody)
		}
	}
	return nil
}

func (q *Question) readBody(br *bufio.Reader) error {
	for i := range q.Files {
		f := &q.Files[i]
		if f.Size == Known {
			continue
		}
		var buf bytes.Buffer
		// A size is only announced: memory is allocated in steps as the bytes arrive.
		buf.Grow(int(min(f.Size+bytes.MinRead, 1<<20)))
		if n, err := io.CopyN(&buf, br, f.Size); err != nil {
			return fmt.Errorf("file %d ends after %d of %d bytes: %w", i, n, f.Size, err)
		}
		f.Content = buf.Bytes()
	}
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("more bytes than announced")
	}
	return nil
}

// readLine reads one line of at most maxHeader bytes.
func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxHeader {
			return nil, fmt.Errorf("header of more than %d bytes", maxHeader)
		}
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// WriteAnswer writes an answer for parseAnswer, with a bounded number of findings.
func WriteAnswer(w io.Writer, a *Answer) error {
	a.Protocol, a.Findings = Protocol, boundFindings(a.Findings)
	if err := json.NewEncoder(w).Encode(a); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// parseAnswer reads an answer to a question about n files. Any inconsistency is an error: half an
// answer is not a verdict.
func parseAnswer(b []byte, n int) (*Answer, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	var a Answer
	err := dec.Decode(&a)
	// The protocol comes first: an answer of another one may not be readable, and its number says why.
	if a.Protocol != Protocol && (err == nil || a.Protocol != 0) {
		return nil, fmt.Errorf("parse answer: protocol %d, want %d", a.Protocol, Protocol)
	}
	if err != nil {
		return nil, fmt.Errorf("parse answer: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("parse answer: more than one answer")
	}
	in := func(i int) bool { return i >= 0 && i < n }
	for _, f := range a.Findings {
		if !in(f.File) || f.Line < 0 || f.Column < 0 || f.Severity < finding.Info || f.Severity > finding.Error {
			return nil, errors.New("parse answer: a finding that makes no sense")
		}
	}
	named := slices.Concat(a.Unused, a.Need, a.Rereads)
	for _, r := range a.Rules {
		named = append(named, r.File)
	}
	for _, r := range a.RulePaths {
		named = append(named, r.File)
	}
	if slices.ContainsFunc(named, func(i int) bool { return !in(i) }) {
		return nil, errors.New("parse answer: it names a file that was not asked about")
	}
	return &a, nil
}
