package judge

import (
	"testing"

	"reloader/internal/prometheus/validator"
)

// A directory in which the server reads no file is reported, together with the directory where it reads such files. Credentials and
// target files count as read.
func TestUnreadDirectories(t *testing.T) {
	t.Parallel()
	main := "rule_files: [/etc/prometheus/rules/*.yml]\nscrape_configs:\n- job_name: a\n  basic_auth: {username: u, password_file: /secrets/p}\n" +
		"  file_sd_configs: [{files: [/targets/*.json]}]\n"
	a := Judge(&validator.Question{Protocol: validator.Protocol, Dirs: []string{"/etc/prometheus", "/mine", "/other", "/secrets", "/targets", "/empty"}, Files: []validator.File{
		{Path: "/etc/prometheus/prometheus.yml", Content: []byte(main)},
		{Path: "/mine/a.yml", Content: []byte("groups: []\n")},
		{Path: "/other/a.txt"}, {Path: "/secrets/p", Content: []byte("x")}, {Path: "/targets/t.json", Content: []byte("[]")},
	}})
	if a.Expected == nil || len(a.Expected.Unread) != 2 {
		t.Fatalf("answer %+v", a)
	}
	if u := a.Expected.Unread; u[0].Dir != "/mine" || u[0].Like != "/etc/prometheus/rules" || u[1].Dir != "/other" || u[1].Like != "" {
		t.Errorf("unread %+v", u)
	}
}
