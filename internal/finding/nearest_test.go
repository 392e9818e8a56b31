package finding

import "testing"

// Nearest finds the known word that was probably meant, and none for a word that is very different.
func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"scrape_interval", "scrape_timeout", "job_name", "static_configs", "url", "name"}
	for word, want := range map[string]string{
		"scrape_intervall": "scrape_interval",
		"scrapeInterval":   "scrape_interval",
		"scrape-interval":  "scrape_interval",
		"job_naem":         "job_name",
		"static_config":    "static_configs",
		"ulr":              "url",
		"Name":             "name",
		"entirely_other":   "",
		"":                 "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := DidYouMean("ulr", known); got != `did you mean "url"?` {
		t.Errorf("DidYouMean = %q", got)
	}
	if got := DidYouMean("zzz", known); got != "" {
		t.Errorf("DidYouMean without a similar word = %q", got)
	}
}

// FuzzNearest: the result is one of the known words, or empty.
func FuzzNearest(f *testing.F) {
	f.Add("scrape_intervall", "scrape_interval")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, word, known string) {
		got := Nearest(word, []string{known})
		if got != "" && got != known {
			t.Fatalf("Nearest invented %q", got)
		}
	})
}
