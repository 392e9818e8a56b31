package ci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"reloader/test/rig"
)

// release serves a release whose files have the names of .goreleaser.yaml.
type release struct {
	*httptest.Server
	files map[string][]byte
}

const version = "v1.2.3"

func newRelease(t *testing.T) *release {
	t.Helper()
	r := &release{files: map[string][]byte{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, ok := r.files[strings.TrimPrefix(req.URL.Path, "/owner/reloader/releases/download/"+version+"/")]
		if !ok {
			http.NotFound(w, req)
			return
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(r.Close)
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
	rig.Must(t, err)
	archive := tar.NewWriter(z)
	for _, name := range []string{"README.md", "promcheck", "reloader"} {
		text := []byte("text")
		if name != "README.md" {
			var err error
			text, err = os.ReadFile(filepath.Join(programs(t), name))
			rig.Must(t, err)
		}
		rig.Must(t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))}))
		_, err := archive.Write(text)
		rig.Must(t, err)
	}
	rig.Must(t, archive.Close())
	rig.Must(t, z.Close())
	sums := ""
	for _, name := range archiveNames(t) {
		r.files[name] = b.Bytes()
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(b.Bytes()), name)
	}
	r.files["checksums.txt"] = []byte(sums)
	r.files["checksums.txt.sigstore.json"] = []byte("{}")
	return r
}

// archiveNames are the names of the archives that .goreleaser.yaml builds.
func archiveNames(t *testing.T) (names []string) {
	t.Helper()
	var config struct {
		Project  string `yaml:"project_name"`
		Builds   []struct{ Goos, Goarch, Goarm []string }
		Archives []struct {
			Template string `yaml:"name_template"`
		}
		Checksum struct {
			Template string `yaml:"name_template"`
		}
	}
	text, err := os.ReadFile(filepath.Join(root, ".goreleaser.yaml"))
	rig.Must(t, err)
	rig.Must(t, unmarshal(text, &config))
	if config.Checksum.Template != "checksums.txt" {
		t.Errorf("the checksums are in %s", config.Checksum.Template)
	}
	name := template.Must(template.New("name").Parse(config.Archives[0].Template))
	for _, system := range config.Builds[0].Goos {
		for _, arch := range config.Builds[0].Goarch {
			arm := ""
			if arch == "arm" {
				arm = config.Builds[0].Goarm[0]
			}
			var b strings.Builder
			rig.Must(t, name.Execute(&b, map[string]string{
				"ProjectName": config.Project, "Version": strings.TrimPrefix(version, "v"), "Os": system, "Arch": arch, "Arm": arm,
			}))
			names = append(names, b.String()+".tar.gz")
		}
	}
	return names
}
