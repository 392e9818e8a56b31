package config

import (
	"fmt"
	"net/url"
)

// url checks the server's address. Messages never repeat it: it may contain a password.
func (c *targetChecker) url(required bool) {
	if c.URL == "" {
		if required && !c.offline {
			c.fail("url", "", "is required for kind %s", c.Kind)
		}
		return
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		c.fail("url", "", "not a URL like http://127.0.0.1:9090")
	case u.User != nil:
		c.fail("url", fmt.Sprintf("use %s and %s", c.label("username"), c.label("password_file")), "must not contain credentials")
	case u.Fragment != "" || c.Kind != HTTP && u.RawQuery != "":
		c.fail("url", "", "must end with the path")
	}
}

func (c *targetChecker) label(key string) string {
	if c.FromFlags {
		return flagName(c.Kind, key)
	}
	return key
}

func (c *targetChecker) client() {
	password := c.PasswordFile != "" || c.Password != ""
	switch {
	case c.Username == "" && c.PasswordFile != "":
		c.fail("username", "", "is required with %s", c.label("password_file"))
	case c.Username != "" && !password:
		c.fail("password_file", "", "is required with %s", c.label("username"))
	case c.Username != "" && c.BearerTokenFile != "":
		c.fail("bearer_token_file", "", "give either a user name or a bearer token")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		c.fail("cert_file", "", "%s and %s belong together", c.label("cert_file"), c.label("key_file"))
	}
}
