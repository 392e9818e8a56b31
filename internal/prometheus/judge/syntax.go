package judge

import "reloader/internal/yamlslip"

// broken reports a file that is not valid YAML, at the line to edit.
func (j *judge) broken(file int, content []byte, err error, n names) {
	for _, p := range problems(err, n) {
		at := p.slip()
		yamlslip.Locate(content, &at)
		p.edit(at)
		j.report(file, p)
	}
}

func (p *problem) slip() yamlslip.Problem {
	return yamlslip.Problem{Line: p.line, Column: p.column, Message: p.message, Hint: p.hint, Anchor: p.anchor, Tagged: p.tag != ""}
}

func (p *problem) edit(at yamlslip.Problem) {
	p.line, p.column, p.message, p.hint = at.Line, at.Column, at.Message, at.Hint
}

// reinterpret explains a line that is valid YAML, but does not mean what it seems to.
func (p *problem) reinterpret(text *yamlslip.Text) {
	at := p.slip()
	text.Reinterpret(&at)
	p.edit(at)
}
