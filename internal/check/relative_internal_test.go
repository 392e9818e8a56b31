package check

import (
	"testing"

	"reloader/internal/finding"
)

// A path in a message is shortened only if it begins with the user's directory. The same names in the middle of a longer path are
// another path, and for a check in / the slashes of a URL are not paths.
func TestShownPaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dir, written, message, want string }{
		{"/home/a/conf", "conf", `file "/home/a/conf/ca.pem" does not exist`, `file "conf/ca.pem" does not exist`},
		{"/home/a/conf", ".", `open /home/a/conf/x: denied, see /home/a/conf/y`, `open x: denied, see y`},
		{"/etc/p", "p", `file "/mnt/etc/p/ca.pem" does not exist`, `file "/mnt/etc/p/ca.pem" does not exist`},
		{"/", ".", `"http://a:9090/x" and "/ca.pem"`, `"http://a:9090/x" and "/ca.pem"`},
	} {
		f := finding.Finding{Message: c.message}
		relative{{c.dir, c.written}}.finding(&f)
		if f.Message != c.want {
			t.Errorf("%s as %s: got %s, want %s", c.dir, c.written, f.Message, c.want)
		}
	}
}
