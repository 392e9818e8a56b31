package provisioning

import (
	"errors"
	"slices"
	"strings"

	"reloader/internal/grafana/expand"
)

// Remark is something that the expansion of a value does but its author may not have meant.
type Remark struct {
	Rule string
	// Fatal says that Grafana refuses the whole file because of it.
	Fatal bool
	// Subject is a path or a variable's name that may be shown; empty when it could be part of a secret.
	Subject string
}

// Expansion is the result of expanding one value.
type Expansion struct {
	// Text is what Grafana would see; meaningless unless Known.
	Text string
	// Known says that Text does not depend on anything that only Grafana's container knows.
	Known bool
	// Changed says that Text is, or may be, different from the text in the file.
	Changed bool
	// Remarks has no duplicates.
	Remarks []Remark
}

func (x Expansion) fatal() bool {
	return slices.ContainsFunc(x.Remarks, func(r Remark) bool { return r.Fatal })
}

// Expand expands a value as Grafana does: it splits it at $$, expands in each piece ${NAME} and $__env{NAME}, then
// $__file{PATH}, then $NAME as a shell does, and joins the pieces with single dollar signs. secret says that the
// value may be a secret, so that no part of it appears in a remark.
func Expand(env *expand.Env, value string, secret bool) Expansion {
	if !strings.Contains(value, "$") {
		return Expansion{Text: value, Known: true}
	}
	x := expander{env: env, whole: strings.TrimSpace(value), secret: secret, known: true}
	pieces := strings.Split(value, "$$")
	for i, p := range pieces {
		pieces[i] = x.piece(p, i > 0)
	}
	out := strings.Join(pieces, "$")
	return Expansion{Text: out, Known: x.known, Changed: out != value || !x.known, Remarks: x.remarks}
}

type expander struct {
	env *expand.Env
	// whole is the value without surrounding white space.
	whole   string
	secret  bool
	known   bool
	remarks []Remark
}

func (x *expander) remark(rule, subject string, fatal bool) {
	r := Remark{Rule: rule, Subject: subject, Fatal: fatal}
	if len(x.remarks) < maxRemarks && !slices.Contains(x.remarks, r) {
		x.remarks = append(x.remarks, r)
	}
}

// maxRemarks limits the remarks about one value.
const maxRemarks = 20

func (x *expander) piece(s string, afterDollar bool) string {
	if !strings.Contains(s, "$") {
		return s
	}
	x.inspect(s, afterDollar)
	s = x.replace(s, func(u expand.Use) (string, bool) {
		if !u.IsVariable() {
			return "", false
		}
		if !x.env.Same {
			x.known = false
			return "", true
		}
		return x.env.Variable(u.Arg), true
	})
	s = x.replace(s, func(u expand.Use) (string, bool) {
		if u.Kind != "__file" {
			return "", false
		}
		return x.file(u.Arg), true
	})
	return expand.Shell(s, x.variable)
}

func (x *expander) replace(s string, value func(expand.Use) (string, bool)) string {
	return expand.Replace(s, func(u expand.Use) (string, bool) {
		v, ok := value(u)
		if ok && strings.Contains(v, "$") {
			x.remark(RuleExpandedTwice, "", false)
		}
		return v, ok
	})
}

func (x *expander) variable(name string) string {
	if !x.env.Same {
		x.known = false
		return ""
	}
	return x.env.Lookup(name)
}

func (x *expander) file(path string) string {
	subject := path
	if x.secret && !strings.HasPrefix(path, "/") {
		subject = ""
	}
	if !x.env.Same {
		x.known = false
		// Grafana uses the text as it is: a path with spaces around it or a variable in it cannot work.
		if strings.Contains(path, "${") || strings.TrimSpace(path) != path {
			x.remark(RuleFileMissing, subject, true)
			return ""
		}
		if _, err := x.env.File(path); err != nil {
			x.remark(RuleFileMissing, subject, false)
		}
		return ""
	}
	b, err := x.env.File(path)
	if errors.Is(err, expand.ErrUnusual) {
		x.known = false
		return ""
	}
	if err != nil {
		x.remark(RuleFileMissing, subject, true)
		return ""
	}
	return strings.TrimSpace(string(b))
}
