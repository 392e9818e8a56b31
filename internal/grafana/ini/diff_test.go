package ini

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChangedNamesKeys(t *testing.T) {
	t.Parallel()
	before := "app_mode = production\n[users]\nlogin_hint = a\npassword_hint = b\n[log]\nlevel = info\n"
	after := "# moved\n[log]\nlevel = info\n[users]\nlogin_hint = a2\ndefault_theme = dark\n"
	want := []string{"app_mode", "users.default_theme", "users.login_hint", "users.password_hint"}
	if diff := cmp.Diff(want, Changed([]byte(before), []byte(after))); diff != "" {
		t.Errorf("Changed (-want +got):\n%s", diff)
	}
}

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
	got := Diff([]byte(text), running, Options{LookupEnv: lookup})
	if diff := cmp.Diff([]string{"security.admin_user", "users.login_hint"}, got); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}
	if got := Diff([]byte("app_mode = development\n"), running, Options{Version: "9.4.0"}); !slices.Equal(got, []string{"app_mode"}) {
		t.Errorf("a changed app_mode before Grafana 10: %v", got)
	}
	if got := Diff([]byte("app_mode = development\n"), running, Options{}); len(got) > 0 {
		t.Errorf("app_mode, which newer ones overwrite: %v", got)
	}
	env := func(name string) (string, bool) { return "old", name == "GF_USERS_LOGIN_HINT" }
	got = Diff([]byte("[users]\nlogin_hint = new\n"), running, Options{SameEnv: true, LookupEnv: env})
	if len(got) > 0 {
		t.Errorf("overridden by the environment, and named: %v", got)
	}
}
