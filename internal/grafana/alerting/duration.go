package alerting

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var errDuration = errors.New("not a duration")

// units are those of a duration, from the largest: a duration names them in this order, each once.
var units = []struct {
	name string
	is   time.Duration
}{
	{"y", 365 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour},
	{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// parseDuration reads a duration of Prometheus, as Grafana's alerting does. It is model.ParseDuration of
// prometheus/common, which links protobuf; a test compares them.
func parseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	var sum time.Duration
	rest, last := s, -1
	for first := true; first || rest != ""; first = false {
		unit := strings.TrimLeft(rest, "0123456789")
		n, err := strconv.ParseInt(rest[:len(rest)-len(unit)], 10, 64)
		if err != nil {
			return 0, errDuration
		}
		rest = strings.TrimLeft(unit, "abcdefghijklmnopqrstuvwxyz")
		unit = unit[:len(unit)-len(rest)]
		i := last + 1
		for i < len(units) && units[i].name != unit {
			i++
		}
		if i == len(units) || n > int64((1<<63-1-sum)/units[i].is) {
			return 0, errDuration
		}
		last = i
		sum += time.Duration(n) * units[i].is
	}
	return sum, nil
}
