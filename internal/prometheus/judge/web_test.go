package judge

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/test/rig"
)

const bcryptHash = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"

// webFiles are web configurations by promtool's verdict.
var webFiles = map[string][]string{
	"good": {
		"", "# nothing\n", "tls_server_config:\n", "basic_auth_users: {a: \"" + bcryptHash + "\", \"b:c\": \"" + strings.Replace(bcryptHash, "2b", "2y", 1) + "\"}\n",
		"tls_server_config: {cert_file: c.pem, key_file: k.pem}\n", "tls_server_config: {cert_file: c.pem, key_file: k.pem, client_auth_type: RequireAndVerifyClientCert, client_ca_file: c.pem, client_allowed_sans: [a]}\n",
		"tls_server_config: {cert_file: c.pem, key_file: k.pem, min_version: TLS13, max_version: TLS12, curve_preferences: [X25519]}\n",
		"tls_server_config: {cert_file: c.pem, key_file: k.pem, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}\n",
		"http_server_config: {http2: false, headers: {X-Frame-Options: deny, Strict-Transport-Security: \"\"}}\n", "basic_auth_users: {}\nrate_limit: {burst: 1, interval: 1s}\n",
	},
	"bad": {
		"http_server_config: {http3: true}\n", "basic_auth_users: {a: hunter2}\n", "basic_auth_users: {a: \"\"}\n", "basic_auth_users: [hunter2]\n",
		"tls_server_config: {cert_file: c.pem}\n", "tls_server_config: {key_file: k.pem}\n", "tls_server_config: {cert_file: k.pem, key_file: c.pem}\n",
		"tls_server_config: {cert_file: c.pem, key_file: k.pem, client_auth_type: Foo}\n", "tls_server_config: {cert_file: c.pem, key_file: k.pem, client_ca_file: c.pem}\n",
		"tls_server_config: {cert_file: c.pem, key_file: k.pem, cipher_suites: [FOO]}\n", "tls_server_config: {cert_file: c.pem, key_file: k.pem, min_version: TLS9}\n",
		"tls_server_config: {cert_file: c.pem, key_file: k.pem, curve_preferences: [X]}\n", "tls_server_config: {cert: hunter2, key: hunter2}\n", "tls_server_config: {client_auth_type: NoClientCert}\n",
		"http_server_config: {headers: {X-Frame-Options: bad}}\n", "http_server_config: {headers: {X-Foo: a}}\n", "http_server_config: {http2: maybe}\n",
		"basic_auth_users: {}\nbasic_auth_users: {}\n", "basic_auth_users: {}\nrate_limit: {interval: x}\n",
	},
}

// A web configuration next to the main file gets promtool's verdict if the server says that it reads the file, or if it is unknown and the file
// looks like one. A file that the server does not read is not judged. No password is shown.
func TestWebConfiguration(t *testing.T) {
	t.Parallel()
	tool := rig.PromtoolBinary(t)
	dir := t.TempDir()
	cert, key := pair(t)
	put := func(name, text string) validator.File {
		p := filepath.Join(dir, name)
		write(t, p, text)
		return validator.File{Path: p, Size: int64(len(text)), Content: []byte(text)}
	}
	files := []validator.File{put("prometheus.yml", "scrape_configs: [{job_name: a}]\n"), put("c.pem", cert), put("k.pem", key), {}}
	for verdict, texts := range webFiles {
		for _, text := range texts {
			files[3] = put("web.yml", text)
			out, err := exec.CommandContext(t.Context(), tool, "check", "web-config", files[3].Path).CombinedOutput()
			if (err == nil) != (verdict == "good") {
				t.Errorf("promtool on %q: %v %s", text, err, out)
			}
			for web, judged := range map[string]bool{files[3].Path: true, "": true, finding.NoFile: false, "/elsewhere/web.yml": false} {
				a := Judge(&validator.Question{Protocol: validator.Protocol, Files: files, Dirs: []string{dir}, Web: web})
				found := errorsOf(a)
				if (len(found) > 0) != (judged && verdict == "bad") {
					t.Errorf("%q, the server reads %q: %+v", text, web, found)
				}
				for _, f := range found {
					if f.File != 3 || strings.Contains(f.Message+f.Hint, "hunter2") {
						t.Errorf("%q: %+v", text, f)
					}
				}
				if judged && len(found) == 0 && text != "" && web != "" && !slices.Contains(a.Rereads, 3) {
					t.Errorf("%q: a change would cause a reload, but the server reads the file by itself", text)
				}
			}
		}
	}
	// The server does not start with this file, although promtool accepts it.
	files[3] = put("web.yml", "tls_server_config: {cert_file: c.pem, key_file: k.pem, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]}\n")
	if a := Judge(&validator.Question{Protocol: validator.Protocol, Files: files, Dirs: []string{dir}}); len(errorsOf(a)) != 1 {
		t.Errorf("no cipher suite for HTTP/2: %+v", errorsOf(a))
	}
	// A file that is not visible to reloader may be in the server's container.
	files[3] = put("web.yml", "tls_server_config: {cert_file: /secrets/c.pem, key_file: k.pem}\n")
	if a := Judge(&validator.Question{Protocol: validator.Protocol, Files: files, Dirs: []string{dir}}); len(errorsOf(a)) != 0 || len(a.Findings) != 1 {
		t.Errorf("a certificate that is not visible: %+v", a.Findings)
	}
	// A server of another version may know names that the library does not know, or no longer knows: they are only a warning.
	for text, versions := range map[string][]string{
		"http_server_config: {http3: true}\n":                                                                                                 {"3.99.0"},
		"http_server_config: {headers: {X-New: a}}\n":                                                                                         {"3.99.0"},
		"tls_server_config: {cert_file: c.pem, key_file: k.pem, curve_preferences: [X25519MLKEM768]}\n":                                       {"3.99.0"},
		"tls_server_config: {cert_file: c.pem, key_file: k.pem, min_version: TLS14}\n":                                                        {"3.99.0"},
		"tls_server_config: {cert_file: c.pem, key_file: k.pem, cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256, " + http2Ciphers[0] + "]}\n": {"2.45.0"},
	} {
		files[3] = put("web.yml", text)
		for _, version := range append(versions, "3.16.0") {
			a := Judge(&validator.Question{Protocol: validator.Protocol, Files: files, Dirs: []string{dir}, Version: version})
			if len(a.Findings) != 1 || (len(errorsOf(a)) == 1) != (version == "3.16.0") {
				t.Errorf("%q, server %s: %+v", text, version, a.Findings)
			}
		}
	}
	// Two mistakes are one message on one line.
	files[3] = put("web.yml", "tls_server_config: {client_auth_type: NoClientCert}\n")
	a := Judge(&validator.Question{Protocol: validator.Protocol, Files: files, Dirs: []string{dir}})
	if len(a.Findings) != 1 || strings.Contains(a.Findings[0].Message, "\n") {
		t.Errorf("no certificate and no key: %+v", a.Findings)
	}
}
