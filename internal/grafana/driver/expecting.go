package driver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"reloader/internal/finding"
	"reloader/internal/grafana/validator"
)

// Expected is what Grafana will show once it runs certain files, as names and fingerprints. A plan compares with it.
// The process that judges the files sends it as JSON.
type Expected struct {
	Facts expectedFor
	Files expectation
}

// MarshalJSON implements json.Marshaler. If the JSON is too large, it only says so.
func (e *Expected) MarshalJSON() ([]byte, error) {
	type plain Expected
	b, err := json.Marshal((*plain)(e))
	if err != nil || len(b) <= maxExpected {
		return b, err
	}
	return json.Marshal(&plain{e.Facts, e.Files.tooLarge()})
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Expected) UnmarshalJSON(b []byte) error {
	if len(b) > maxExpected {
		return fmt.Errorf("more than %d bytes", maxExpected)
	}
	type plain Expected
	got := plain{Files: newExpectation()}
	if err := json.Unmarshal(b, &got); err != nil {
		return err
	}
	for _, d := range got.Files.Dashboards {
		if len(d.Providers) == 0 {
			return fmt.Errorf("dashboard %s without a provider", d.File)
		}
		if slices.Min(d.Providers) < 0 || slices.Max(d.Providers) >= len(got.Files.Providers) {
			return fmt.Errorf("dashboard %s with a provider that does not exist", d.File)
		}
	}
	got.Files.indexDashboards()
	*e = Expected(got)
	return nil
}

// expectedFor are the facts on which an expectation depends.
type expectedFor struct {
	Version string
	SameEnv bool
}

// maxExpected bounds the JSON of an Expected, in bytes: 10,000 alert rules have about 10 MiB.
const maxExpected = 32 << 20

// Expecting is a validator that also reports what the driver needs to know about valid files. The daemon runs it in
// another process, so that the daemon itself parses nothing that a tenant wrote.
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
	res.Expected = &Expected{Facts: factsOf(req.Facts), Files: files}
	return res, nil
}

func factsOf(f finding.Facts) expectedFor { return expectedFor{Version: f.Version, SameEnv: f.SameEnv} }

// expectedOf is what the files of a change say, if it was made with the present facts about the server.
func expectedOf(v any, facts finding.Facts) (expectation, bool) {
	e, ok := v.(*Expected)
	if !ok || e == nil || e.Facts != factsOf(facts) {
		return expectation{}, false
	}
	return e.Files, true
}

// tooLarge is what remains of an expectation that is too large: the kinds. Nothing of them is compared.
func (e *expectation) tooLarge() expectation {
	small := expectation{Kinds: e.Kinds, Hidden: hidden{}, Files: map[string]bool{}, Entries: e.Entries, Ini: e.Ini, IniDigest: e.IniDigest, Uncompared: true}
	for route := range e.Kinds {
		small.hide(route, "all "+route)
	}
	return small
}

// skip marks the dashboards that the validator knows Grafana will not store (of a version, folder or organization that do not fit).
// Grafana may keep an older one in their place.
func (e *expectation) skip(judged *validator.Expected) {
	for i := range e.Dashboards {
		if d := &e.Dashboards[i]; judged != nil {
			d.Skipped = judged.Skipped[d.Path]
		}
	}
	e.indexDashboards()
}
