package driver

import (
	"context"

	"reloader/internal/finding"
	"reloader/internal/grafana/validator"
)

// Expected is what Grafana will show once it runs some files, as names and fingerprints: what a plan compares with.
// It crosses from the process that judges the files as JSON.
type Expected struct {
	facts expectedFor
	files expectation
}

// expectedFor are the facts on which the reading of files depends.
type expectedFor struct {
	Version string
	SameEnv bool
}

// maxExpected bounds the JSON of an Expected, in bytes: 10,000 alert rules have about 10 MiB.
const maxExpected = 32 << 20

// Expecting is a validator that reports what the driver needs to know about valid files. The daemon has that done
// in another process, so that it parses nothing that a tenant wrote.
func Expecting(v finding.Validator) finding.Validator { return expecting{v} }

type expecting struct{ finding.Validator }

// Validate implements finding.Validator.
func (e expecting) Validate(ctx context.Context, req finding.Request) (finding.Result, error) {
	res, err := e.Validator.Validate(ctx, req)
	if err != nil || finding.HasErrors(res.Findings) {
		res.Expected = nil
		return res, err
	}
	judged, _ := res.Expected.(*validator.Expected)
	files := expect(req.Set, req.Facts)
	files.skip(judged)
	res.Expected = &Expected{facts: factsOf(req.Facts), files: files}
	return res, nil
}

func factsOf(f finding.Facts) expectedFor { return expectedFor{Version: f.Version, SameEnv: f.SameEnv} }

// expectedOf is what the files of a change say, if it was made with what is known of the server now.
func expectedOf(v any, facts finding.Facts) (expectation, bool) {
	e, ok := v.(*Expected)
	if !ok || e == nil || e.facts != factsOf(facts) {
		return expectation{}, false
	}
	return e.files, true
}

// tooLarge is what is left of an expectation that is too large to be kept: the kinds, of which nothing is compared.
func (e *expectation) tooLarge() expectation {
	small := expectation{kinds: e.kinds, hidden: map[string][]string{}, files: map[string]bool{}, entries: e.entries, ini: e.ini, iniDigest: e.iniDigest, uncompared: true}
	for route := range e.kinds {
		small.hide(route, "all "+route)
	}
	return small
}
