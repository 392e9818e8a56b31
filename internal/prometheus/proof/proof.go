// Package proof compares what a Prometheus reports about its files with what it will report once it runs them.
package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"path"
	"strings"
)

// Expected is what a server will report about itself when it runs a set of files: names and digests, and no values except Labels.
type Expected struct {
	// Library is the version of Prometheus that printed the configuration ("3.16.0").
	Library string `json:"library"`
	// Main is the main file's path on the server.
	Main string `json:"main"`
	// Agent says that the server should be in agent mode, which has no rules.
	Agent bool `json:"agent,omitempty"`
	// Text is the digest of the whole configuration as the server prints it, after Normal.
	Text uint64 `json:"text"`
	// Items are the parts of that text; empty with Unprinted.
	Items []Item `json:"items,omitempty"`
	// Wild are the paths of settings that the server takes from its environment or flags: see Normal.
	Wild []string `json:"wild,omitempty"`
	// Labels are the external labels with variables, as they are written. Everything except the variables is compared.
	Labels map[string]string `json:"labels,omitempty"`
	// Unprinted says why the library could not print the configuration; empty when it did.
	Unprinted string `json:"unprinted,omitempty"`
	// Jobs are all scrape jobs, including those of scrape_config_files.
	Jobs []Job `json:"jobs,omitempty"`
	// FileJobs are the contents of the jobs of scrape_config_files; empty when the library could not print them.
	FileJobs []FileJob `json:"fileJobs,omitempty"`
	// OpenJobs says that scrape_config_files names files that are not visible to reloader: the server may have more jobs.
	OpenJobs bool `json:"openJobs,omitempty"`
	// OpenRules says the same for rule_files.
	OpenRules bool `json:"openRules,omitempty"`
	// Interval is global.evaluation_interval in seconds, for groups without one.
	Interval float64 `json:"interval,omitempty"`
	// Rules are the rule files, with the paths that the server uses for them.
	Rules []RuleFile `json:"-"`
	// Dirs are directories of the server whose files are all visible to reloader.
	Dirs []string `json:"-"`
	// Hidden names what the files contain but no server shows ("values of secrets"): only a reload after the last change
	// of the files proves that the server runs it.
	Hidden []string `json:"hidden,omitempty"`
	// Rereads are the paths on the server of files that it reads again on its own, sorted.
	Rereads []string `json:"-"`
	// Unread are visible directories from which the server reads no file, with a guess where it reads such files.
	Unread []Unread `json:"unread,omitempty"`
}

// QueryOffset is the name in Hidden of the query_offset of rule groups.
const QueryOffset = "query_offset of rule groups"

// Item is one part of a printed configuration.
type Item struct {
	// Kind is "scrape job", "remote_write", "remote_read" or "section".
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Sum is the digest of its text.
	Sum uint64 `json:"sum"`
	// Leaves are its values one by one, if the server has another version than the library.
	Leaves Leaves `json:"leaves,omitempty"`
}

// String names the part as users do.
func (i Item) String() string {
	if i.Kind == "section" {
		return `section "` + i.Name + `"`
	}
	return i.Kind + ` "` + i.Name + `"`
}

// Leaf is one value of an item: digests of its path and of the value, and whether the file sets it or it is a default of
// the library.
type Leaf struct {
	Path, Value uint32
	Written     bool
}

// Leaves are written to JSON as one text: a large configuration has tens of thousands.
type Leaves []Leaf

// leafSize is the length of a Leaf in that text, in bytes.
const leafSize = 9

// MarshalText implements encoding.TextMarshaler.
func (l Leaves) MarshalText() ([]byte, error) {
	b := make([]byte, 0, leafSize*len(l))
	for _, leaf := range l {
		b = binary.BigEndian.AppendUint32(b, leaf.Path)
		b = binary.BigEndian.AppendUint32(b, leaf.Value)
		written := byte(0)
		if leaf.Written {
			written = 1
		}
		b = append(b, written)
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Leaves) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil || len(b)%leafSize != 0 {
		return errors.New("not a list of leaves")
	}
	*l = make(Leaves, 0, len(b)/leafSize)
	for ; len(b) > 0; b = b[leafSize:] {
		if b[8] > 1 {
			return errors.New("not a list of leaves")
		}
		*l = append(*l, Leaf{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), b[8] == 1})
	}
	return nil
}

// Job is a scrape job.
type Job struct {
	Name string `json:"name"`
	// Wait says that only its scrape pool shows whether the server runs it: it needs files that may be unusable, or it is
	// in a scrape_config_files file, which no server prints.
	Wait bool `json:"wait,omitempty"`
}

// RuleFile is a rule file with the groups that the server will show: those that have rules.
type RuleFile struct {
	Path   string
	Groups []Group
}

// Group is a rule group.
type Group struct {
	Name string `json:"name"`
	// Interval in seconds; 0 means the global one.
	Interval float64 `json:"interval,omitempty"`
	Limit    int     `json:"limit,omitempty"`
	// Offset says that it has a query_offset, which no server shows: /api/v1/rules leaves it out.
	Offset bool `json:"offset,omitempty"`
	// Rules are the digests of its rules, in order.
	Rules []uint64 `json:"rules"`
	// Unread are the indexes of rules with an expression that the library cannot read: their digests leave it out.
	Unread []int `json:"unread,omitempty"`
}

// Unread is a directory that the user named, but from which the server reads no file.
type Unread struct {
	// Dir is the directory's assumed path on the server. Like is the directory from which the server reads files with
	// such names; empty when no pattern fits.
	Dir  string `json:"dir"`
	Like string `json:"like,omitempty"`
	// Files are the base names of some of its files.
	Files []string `json:"files,omitempty"`
}

// Sum is a digest of a text.
func Sum(text string) uint64 {
	h := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint64(h[:])
}

// Short is the first half of Sum, for digests that are stored in large numbers.
func Short(text string) uint32 { return uint32(Sum(text) >> 32) }

// Path is a path on the server in its shortest form, without a volume's ..data link. A server reports a file's path as
// rule_files writes it ("/etc/prometheus//a.rules").
func Path(p string) string {
	if p == "" {
		return ""
	}
	p = path.Clean(p)
	if !strings.Contains(p, "/..data") {
		return p
	}
	p = strings.ReplaceAll(p, "/..data/", "/")
	return strings.TrimSuffix(p, "/..data")
}
