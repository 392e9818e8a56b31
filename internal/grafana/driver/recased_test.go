package driver

import (
	"slices"
	"testing"
)

// Grafana reads the settings of a contact point in any case, and shows a secret under the name that it has itself: that is no
// difference. Everything else in another case is one. The answers are those of Grafana 12.4.
func TestSecretsInAnotherCase(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	for name, c := range map[string]struct {
		file, shown m
		different   []string
	}{
		"a map in capitals":      {m{"settings.HMACCONFIG": m{"secret": "s", "header": "h"}}, m{"settings.HMACCONFIG": m{"header": "h"}, "settings.hmacConfig": m{"secret": redacted}}, nil},
		"only a secret":          {m{"settings.HMACCONFIG": m{"secret": "s"}}, m{"settings.HMACCONFIG": m{}, "settings.hmacConfig": m{"secret": redacted}}, nil},
		"a secret in capitals":   {m{"settings.hmacConfig": m{"SECRET": "s"}}, m{"settings.hmacConfig": m{"SECRET": "s", "secret": redacted}}, nil},
		"at the top":             {m{"settings.PASSWORD": "s"}, m{"settings.PASSWORD": "s", "settings.password": redacted}, nil},
		"three levels":           {m{"settings.HTTP_CONFIG": m{"OAUTH2": m{"CLIENT_SECRET": "b", "client_id": "a"}}}, m{"settings.HTTP_CONFIG": m{"OAUTH2": m{"CLIENT_SECRET": "b", "client_id": "a"}}, "settings.http_config": m{"oauth2": m{"client_secret": redacted}}}, nil},
		"as it is":               {m{"settings.password": "s"}, m{"settings.password": redacted}, nil},
		"another header":         {m{"settings.HMACCONFIG": m{"secret": "s", "header": "h"}}, m{"settings.HMACCONFIG": m{"header": "i"}, "settings.hmacConfig": m{"secret": redacted}}, []string{"settings.HMACCONFIG"}},
		"a secret that is not":   {m{"settings.url": "u"}, m{"settings.url": "u", "settings.password": redacted}, []string{"settings.password"}},
		"no secret in this case": {m{"settings.URL": "u"}, m{"settings.url": "u"}, []string{"settings.URL", "settings.url"}},
		"a secret that is gone":  {m{"settings.HMACCONFIG": m{"secret": "s"}}, m{"settings.HMACCONFIG": m{}}, []string{"settings.HMACCONFIG"}},
	} {
		different, _ := contentsOf(c.file, true).compare(c.shown)
		if !slices.Equal(different, c.different) {
			t.Errorf("%s: %v differ, want %v", name, different, c.different)
		}
	}
}
