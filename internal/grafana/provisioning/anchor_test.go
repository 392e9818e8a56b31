package provisioning

import (
	"fmt"
	"strings"
	"testing"
)

// YAML reads an unquoted password that begins with * as an alias. The error must not name that alias, because it is the password.
func TestPasswordThatLooksLikeAnAlias(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"datasources:\n- secureJsonData:\n    password: *ZZSECRETZZ\n", "a: [*ZZSECRETZZ]\n", "a: {b: *ZZSECRETZZ}\n", "*ZZSECRETZZ : 1\n", "a: *ZZSECRETZZ'x\n",
		"<<: *ZZSECRETZZ\n", "a: &x\n  b: *ZZSECRETZZ\n",
	} {
		_, err := Parse([]byte(text))
		if err == nil {
			t.Errorf("%q: no error", text)
			continue
		}
		if said := fmt.Sprintf("%+v", *err); strings.Contains(said, "ZZSECRETZZ") {
			t.Errorf("%q: %s", text, said)
		}
	}
}
