package yamledit

import (
	"strings"
	"testing"

	yaml2 "go.yaml.in/yaml/v2"
)

// The same words are booleans and strings as in yaml.v2, which kubectl uses.
func TestTypesOfKubectl(t *testing.T) {
	t.Parallel()
	words := []string{
		"text", "1", "010", "0x1F", "0b1", "0o17", "1_000", "1.5", ".5", "1e3", "+1", "-.inf", ".nan", "~", "null", "2001-12-14", "2001-12-14T21:59:43Z", "12:30:00", "1.2.3", "10m",
	}
	for _, w := range []string{"true", "false", "yes", "no", "y", "n", "on", "off", "ja"} {
		words = append(words, w, strings.ToUpper(w), strings.ToUpper(w[:1])+w[1:], w[:1]+strings.ToUpper(w[1:]), "'"+w+"'", "ı"+w)
	}
	for _, w := range words {
		var want struct{ V any }
		if err := yaml2.Unmarshal([]byte("v: "+w+"\n"), &want); err != nil {
			t.Fatal(err)
		}
		docs, err := Parse([]byte("v: " + w + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		c := docs[0].Top().Get("v")
		if _, is := want.V.(string); c.IsString() != is {
			t.Errorf("%s: a string is %v, want %v", w, c.IsString(), is)
		}
		if b, is := want.V.(bool); is && (!c.Is(b) || c.Is(!b)) {
			t.Errorf("%s: true is %v, want %v", w, c.Is(true), b)
		}
	}
}
