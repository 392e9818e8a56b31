package alerting

import (
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

// FuzzParseDuration: parseDuration gives the same values and refuses the same texts as the library that Grafana uses.
func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{
		"", "0", "00", "0s", "1", "5m", "1h30m", "30m1h", "1m1m", "1y2w3d4h5m6s7ms", "1.5h", "-1s", "+1s", " 1s", "1s ", "1 s", "1S", "s", "ms", "1M",
		"292y", "293y", "292y24w3d23h47m16s854ms", "292y24w3d23h47m16s855ms", "9223372036854ms", "9223372036855ms", "18446744073709551616ms", "1s0", "1é", "１s", "1m s",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, wantErr := model.ParseDuration(s)
		got, err := parseDuration(s)
		if got != time.Duration(want) || (err == nil) != (wantErr == nil) {
			t.Errorf("%q: %v, %v; want %v, %v", s, got, err, want, wantErr)
		}
	})
}
