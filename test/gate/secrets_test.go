package gate

import (
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
)

// A secret near a mistake is in none of the lines that are shown around it: not on the page, in the JSON, the history,
// the log or the metrics, and not in a terminal.
func TestSecretsNearAMistake(t *testing.T) {
	t.Parallel()
	const mark = "xyzzy-secret"
	for name, broken := range map[string]string{
		"password":           "remote_write:\n- url: http://127.0.0.1:1/\n  basic_auth:\n    username: u\n    password: " + mark + "\n    pasword_file: x\n",
		"password in quotes": "remote_write:\n- url: http://127.0.0.1:1/\n  basic_auth:\n    username: u\n    password: \"" + mark + "\"\n  nam: x\n",
		"flow mapping":       "remote_write:\n- {url: 'http://127.0.0.1:1/', basic_auth: {username: u, password: " + mark + "}, nam: x}\n",
		"credentials":        "remote_write:\n- url: http://127.0.0.1:1/\n  authorization:\n    credentials: " + mark + "\n    typ: Bearer\n",
		"in a URL":           "remote_write:\n- url: http://user:" + mark + "@127.0.0.1:1/\n  nam: x\n",
		"wrong type":         "remote_write:\n- url: http://127.0.0.1:1/\n  basic_auth:\n    username: u\n    password: [" + mark + "]\n",
		"block text":         "remote_write:\n- url: http://127.0.0.1:1/\n  basic_auth:\n    password: |\n      " + mark + "\n    nam: x\n",
		"unclosed quote":     "remote_write:\n- url: http://127.0.0.1:1/\n  basic_auth:\n    password: \"" + mark + "\n    username: u\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, generation(0))
			w.start()
			w.prometheus.Ready()
			w.reaches(reload.InSync)
			files := generation(1)
			w.volume.Swap(with(files, "prometheus.yml", files["prometheus.yml"]+broken))
			s := w.reaches(reload.Rejected)
			if len(s.Findings) == 0 || s.Findings[0].Line == 0 {
				t.Fatalf("no mistake is found, so this test proves nothing: %+v", s.Findings)
			}
			shown := map[string]string{"the log": w.reloader.Log.String()}
			for _, path := range []string{"/", "/api/v1/status", "/api/v1/history", "/metrics", "/readyz"} {
				_, body, err := rig.Fetch(t, w.reloader.URL+path)
				rig.Must(t, err)
				shown["GET "+path] = body
			}
			for _, command := range []string{"status", "history"} {
				o := rig.Command(t, command, "--url", w.reloader.URL)
				shown["reloader "+command] = o.Stdout + o.Stderr
			}
			for where, text := range shown {
				if strings.Contains(text, mark) {
					t.Errorf("%s shows the secret:\n%s", where, text)
				}
			}
			if !strings.Contains(shown["GET /"], "prometheus.yml") || !strings.Contains(shown["reloader status"], "prometheus.yml:") {
				t.Error("the mistake is not shown, so this test proves nothing")
			}
		})
	}
}
