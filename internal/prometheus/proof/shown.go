package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// Rule is a rule as /api/v1/rules shows it.
type Rule struct {
	Type          string            `json:"type"` // alerting, recording
	Name          string            `json:"name"`
	Query         string            `json:"query"`
	Duration      float64           `json:"duration,omitempty"`      // for, in seconds
	KeepFiringFor float64           `json:"keepFiringFor,omitempty"` // in seconds
	Labels        map[string]string `json:"labels,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// Sum is the digest of everything in a rule that is compared.
func (r Rule) Sum() uint64 {
	b := make([]byte, 0, 256)
	text := func(s string) { b = append(strconv.AppendInt(b, int64(len(s)), 10), ':'); b = append(b, s...) }
	texts := func(m map[string]string) {
		b = append(strconv.AppendInt(b, int64(len(m)), 10), '/')
		for _, k := range slices.Sorted(maps.Keys(m)) {
			text(k)
			text(m[k])
		}
	}
	text(r.Type)
	text(r.Name)
	text(r.Query)
	b = append(strconv.AppendFloat(b, r.Duration, 'g', -1, 64), ' ')
	b = append(strconv.AppendFloat(b, r.KeepFiringFor, 'g', -1, 64), ' ')
	texts(r.Labels)
	texts(r.Annotations)
	return Sum(string(b))
}

// ServerGroup is a rule group as /api/v1/rules shows it.
type ServerGroup struct {
	Name     string  `json:"name"`
	File     string  `json:"file"`
	Interval float64 `json:"interval"`
	Limit    int     `json:"limit"`
	Rules    []Rule  `json:"rules"`
}

// ReadRules reads an answer of /api/v1/rules one group at a time, so that only one is in memory. It returns the token of the
// next page; empty when there is none.
func ReadRules(r io.Reader, each func(ServerGroup)) (next string, err error) {
	if next, err = readList(r, "groups", each); err != nil {
		return "", fmt.Errorf("read rules: %w", err)
	}
	return next, nil
}

// ReadTargets reads the active targets in an answer of /api/v1/targets: the pool of each, and its labels before relabeling.
func ReadTargets(r io.Reader, each func(pool string, labels map[string]string)) error {
	type target struct {
		ScrapePool       string            `json:"scrapePool"`
		DiscoveredLabels map[string]string `json:"discoveredLabels"`
	}
	_, err := readList(r, "activeTargets", func(t target) { each(t.ScrapePool, t.DiscoveredLabels) })
	if err != nil {
		return fmt.Errorf("read targets: %w", err)
	}
	return nil
}

// readList reads the items of one list in the data of an answer one at a time: the answer may be large.
func readList[T any](r io.Reader, name string, each func(T)) (next string, err error) {
	dec := json.NewDecoder(r)
	status, listed := "", false
	data := func(key string) error {
		switch key {
		case name:
			listed = true
			return list(dec, func() error {
				var item T
				err := dec.Decode(&item)
				if err == nil {
					each(item)
				}
				return err
			})
		case "groupNextToken":
			return dec.Decode(&next)
		default:
			return skip(dec)
		}
	}
	err = object(dec, func(key string) error {
		switch key {
		case "status":
			return dec.Decode(&status)
		case "data":
			return object(dec, data)
		default:
			return skip(dec)
		}
	})
	if err == nil && (status != "success" || !listed) {
		err = fmt.Errorf("status %q, %s %v", status, name, listed)
	}
	return next, err
}

func skip(dec *json.Decoder) error {
	var ignored json.RawMessage
	return dec.Decode(&ignored)
}

func object(dec *json.Decoder, field func(key string) error) error {
	if err := begin(dec, '{'); err != nil {
		return err
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if err := field(key); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func list(dec *json.Decoder, item func() error) error {
	if err := begin(dec, '['); err != nil {
		return err
	}
	for dec.More() {
		if err := item(); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func begin(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != want {
		return errors.New("not an answer of Prometheus' API")
	}
	return nil
}
