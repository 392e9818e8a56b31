package provisioning

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// Env is what a value's expansion can ask for. The zero Env knows nothing: every variable is unknown.
type Env struct {
	// Same says that the process sees the same environment and files as Grafana. Without it a
	// variable's value is unknown, and a file that is missing here may exist there.
	Same bool
	// LookupEnv is os.LookupEnv when nil.
	LookupEnv func(string) (string, bool)
	// ReadFile is used for $__file{}; a bounded os.ReadFile when nil.
	ReadFile func(string) ([]byte, error)
	// Hostname is os.Hostname when nil.
	Hostname func() (string, error)
}

// maxFile bounds what $__file{} may read here; secrets are small.
const maxFile = 1 << 20

var errUnusual = errors.New("not a small regular file")

func (e *Env) lookup(name string) (string, bool) {
	if e.LookupEnv != nil {
		return e.LookupEnv(name)
	}
	return os.LookupEnv(name)
}

func (e *Env) hostname() string {
	f := e.Hostname
	if f == nil {
		f = os.Hostname
	}
	h, _ := f()
	return h
}

func (e *Env) readFile(path string) ([]byte, error) {
	if e.ReadFile != nil {
		return e.ReadFile(path)
	}
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if fi.IsDir() {
		return nil, fmt.Errorf("read %s: is a directory", path)
	}
	// A pipe or a device could block for ever.
	if !fi.Mode().IsRegular() || fi.Size() > maxFile {
		return nil, errUnusual
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// Remark is one thing that the expansion of a value does and its author may not have meant.
type Remark struct {
	Rule string
	// Fatal says that Grafana refuses the whole file for it.
	Fatal bool
	// Subject is a path or a variable's name that may be shown; empty when it could be part of a secret.
	Subject string
}

// Expansion is the outcome of expanding one value.
type Expansion struct {
	// Text is what Grafana would see; meaningless unless Known.
	Text string
	// Known says that nothing in the value depends on what only Grafana's container knows.
	Known bool
	// Changed says that Text differs from what the file says.
	Changed bool
	Remarks []Remark
}

// What the expanders of Grafana match: ${NAME}, $__env{NAME}, $__file{PATH}, $__any{thing}.
var braced = regexp.MustCompile(`\$(|__\w+){([^}]+)}`)

// Expand does to a value what Grafana does: cut at $$, then in each piece ${NAME} and $__env{NAME}, then
// $__file{PATH}, then shell-like $NAME once more, joined with single dollars. secret says that the
// value may be a secret, so that no part of it appears in a remark.
func (e *Env) Expand(value string, secret bool) Expansion {
	if !strings.Contains(value, "$") {
		return Expansion{Text: value, Known: true}
	}
	x := expander{env: e, secret: secret, known: true}
	pieces := strings.Split(value, "$$")
	for i, p := range pieces {
		pieces[i] = x.piece(p, i > 0)
	}
	out := strings.Join(pieces, "$")
	return Expansion{Text: out, Known: x.known, Changed: out != value || !x.known, Remarks: x.remarks}
}

type expander struct {
	env     *Env
	secret  bool
	known   bool
	remarks []Remark
}

func (x *expander) remark(rule, subject string, fatal bool) {
	x.remarks = append(x.remarks, Remark{Rule: rule, Subject: subject, Fatal: fatal})
}

func (x *expander) piece(s string, afterDollar bool) string {
	if !strings.Contains(s, "$") {
		return s
	}
	x.inspect(s, afterDollar)
	s = x.replace(s, func(kind, arg string) (string, bool) {
		if kind != "" && kind != "__env" {
			return "", false
		}
		return x.variable(arg, true), true
	})
	s = x.replace(s, func(kind, arg string) (string, bool) {
		if kind != "__file" {
			return "", false
		}
		return x.file(arg), true
	})
	return os.Expand(s, func(name string) string { return x.variable(name, false) })
}

// replace puts in values one match after the other, always for the first occurrence of the
// matched text: a value that contains the next match's text is changed, as in Grafana.
func (x *expander) replace(s string, value func(kind, arg string) (string, bool)) string {
	for _, m := range braced.FindAllStringSubmatch(s, -1) {
		v, ok := value(m[1], m[2])
		if !ok {
			continue
		}
		if strings.Contains(v, "$") {
			x.remark(RuleExpandedTwice, "", false)
		}
		s = strings.Replace(s, m[0], v, 1)
	}
	return s
}

func (x *expander) variable(name string, isBraced bool) string {
	if !x.env.Same {
		x.known = false
		return ""
	}
	v, _ := x.env.lookup(name)
	if v == "" && isBraced && name == "HOSTNAME" {
		return x.env.hostname()
	}
	return v
}

func (x *expander) file(path string) string {
	subject := path
	if x.secret && !strings.HasPrefix(path, "/") {
		subject = ""
	}
	if !x.env.Same {
		x.known = false
		// Grafana takes the text as it is: neither spaces around a path nor a variable in it can work.
		if strings.Contains(path, "${") || strings.TrimSpace(path) != path {
			x.remark(RuleFileMissing, subject, true)
			return ""
		}
		if _, err := x.env.readFile(path); err != nil {
			x.remark(RuleFileMissing, subject, false)
		}
		return ""
	}
	b, err := x.env.readFile(path)
	if errors.Is(err, errUnusual) {
		x.known = false
		return ""
	}
	if err != nil {
		x.remark(RuleFileMissing, subject, true)
		return ""
	}
	return strings.TrimSpace(string(b))
}
