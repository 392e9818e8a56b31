package ini

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/grafana/expand"
)

// Only keys whose value in the running server is known to differ wait for a restart. Not among them are secrets, unknown values,
// values that Grafana ignores, and keys that the environment overrides.
func TestDiffComparesWithTheRunningServer(t *testing.T) {
	t.Parallel()
	running := map[string]map[string]string{
		"DEFAULT":  {"app_mode": "production"},
		"users":    {"login_hint": "old", "password_hint": "same", "default_theme": "dark", "allow_sign_up": "true", "home_page": "http://user:xxxxx@a/"},
		"security": {"admin_password": redacted},
		"auth":     {"login_cookie_name": "x"},
	}
	text := "app_mode = production\n[users]\nlogin_hint = new\npassword_hint = same\ndefault_theme =\nallow_sign_up = maybe\nhome_page = http://user:hidden@a/\nexternal_manage_info = ${INI_UNSET}\n" +
		"[security]\nadmin_password = hidden\nadmin_user = someone\n[auth.github]\nlogin_cookie_name = x\n"
	got := Expect([]byte(text), Options{Env: expand.Env{LookupEnv: lookup}}).Waiting(running)
	if diff := cmp.Diff([]string{"security.admin_user", "users.login_hint"}, got); diff != "" {
		t.Errorf("waiting (-want +got):\n%s", diff)
	}
	if got := Expect([]byte("app_mode = development\n"), Options{Version: "9.4.0"}).Waiting(running); !slices.Equal(got, []string{"app_mode"}) {
		t.Errorf("a changed app_mode in Grafana 9 is not named: %v", got)
	}
	if got := Expect([]byte("app_mode = development\n"), Options{}).Waiting(running); len(got) > 0 {
		t.Errorf("app_mode, which newer versions overwrite, is named: %v", got)
	}
	env := func(name string) (string, bool) { return "old", name == "GF_USERS_LOGIN_HINT" }
	got = Expect([]byte("[users]\nlogin_hint = new\n"), Options{Env: expand.Env{Same: true, LookupEnv: env}}).Waiting(running)
	if len(got) > 0 {
		t.Errorf("a key that the environment overrides is named: %v", got)
	}
}
