package docs

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// usage is what a command of docker or helm accepts: its flags (true: with a value), and a check of its arguments.
type usage struct {
	flags map[string]bool
	check func(flags map[string][]string, args []string) error
}

var build = usage{
	map[string]bool{"-t": true, "--tag": true, "--platform": true, "--build-arg": true},
	func(flags map[string][]string, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("takes one directory, not %q", args)
		}
		dockerfile, err := os.ReadFile(filepath.Join("../..", args[0], "Dockerfile"))
		if err != nil {
			return err
		}
		for _, a := range flags["--build-arg"] {
			name, _, _ := strings.Cut(a, "=")
			if !regexp.MustCompile(`(?m)^ARG ` + regexp.QuoteMeta(name) + `\b`).Match(dockerfile) {
				return fmt.Errorf("the Dockerfile has no ARG %s", name)
			}
		}
		for _, p := range flags["--platform"] {
			for one := range strings.SplitSeq(p, ",") {
				if !slices.Contains(platforms, one) {
					return fmt.Errorf("%s is not a platform of the release", one)
				}
			}
		}
		return images(append(flags["-t"], flags["--tag"]...)...)
	},
}

// platforms are the ones for which .github/workflows/release.yaml builds the image.
var platforms = []string{"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/s390x"}

var usages = map[string]usage{
	"docker build":        build,
	"docker buildx build": build,
	"docker run": {
		map[string]bool{"--rm": false, "-i": false, "-v": true, "--volume": true, "-p": true, "--network": true, "--name": true, "-e": true},
		func(flags map[string][]string, args []string) error {
			for _, v := range append(flags["-v"], flags["--volume"]...) {
				from, to, _ := strings.Cut(v, ":")
				to, _, _ = strings.Cut(to, ":")
				local := strings.TrimPrefix(strings.Trim(from, `"`), "$PWD/")
				if _, err := os.Stat(filepath.Join("../..", local)); !path.IsAbs(to) || err != nil && strings.HasPrefix(local, "examples/") {
					return fmt.Errorf("volume %s: %w", v, errors.Join(err, errors.New("want DIRECTORY:/PATH")))
				}
			}
			return images(slices.Concat(args, []string{""})[0])
		},
	},
	"docker pull": {nil, func(_ map[string][]string, args []string) error { return images(args...) }},
	"docker tag":  {nil, func(_ map[string][]string, args []string) error { return images(args...) }},
	"docker save": {map[string]bool{"-o": true}, func(_ map[string][]string, args []string) error { return images(args...) }},
	"helm template": {
		map[string]bool{"-f": true},
		func(flags map[string][]string, args []string) error {
			for _, f := range flags["-f"] {
				if !strings.HasSuffix(f, ".yaml") {
					return fmt.Errorf("-f %s is not a file of values", f)
				}
			}
			if len(args) < 1 || len(args) > 2 {
				return fmt.Errorf("takes [NAME] CHART, not %q", args)
			}
			chart := args[len(args)-1]
			known := []string{".", "...", "grafana-community/grafana", "prometheus-community/prometheus"}
			if !slices.Contains(known, chart) && !strings.HasPrefix(chart, "charts/") {
				return fmt.Errorf("chart %s is not one that docs/install.md is about", chart)
			}
			return nil
		},
	},
}

// reference is the form of an image's name that the distribution project defines, without a digest.
var reference = regexp.MustCompile(`^([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?$`)

func images(names ...string) error {
	for _, n := range names {
		if !reference.MatchString(n) {
			return fmt.Errorf("%q is not the name of an image", n)
		}
	}
	return nil
}

// judge returns what is wrong with a command of docker or helm.
func judge(command string) error {
	words := strings.Fields(command)
	n := 2
	if len(words) > 2 && words[1] == "buildx" {
		n = 3
	}
	u, ok := usages[strings.Join(words[:min(n, len(words))], " ")]
	if !ok {
		return errors.New("not a command that this test can check")
	}
	flags, args := map[string][]string{}, []string{}
	for i := n; i < len(words); i++ {
		name, value, attached := strings.Cut(words[i], "=")
		switch takes, known := u.flags[name]; {
		case len(args) > 0 && words[0] == "docker" && words[1] == "run", words[i][0] != '-':
			args = append(args, words[i])
		case !known:
			return fmt.Errorf("unknown flag %s", name)
		case takes && !attached && i+1 == len(words):
			return fmt.Errorf("%s has no value", name)
		case takes && !attached:
			i++
			flags[name] = append(flags[name], words[i])
		default:
			flags[name] = append(flags[name], value)
		}
	}
	return u.check(flags, args)
}

var (
	code     = regexp.MustCompile("(?m)^(?:    |#   )(\\S.*)$|`([^`\n]+)`")
	shell    = regexp.MustCompile("(?ms)^ *```(?:sh)?\n(.*?)^ *```")
	separate = regexp.MustCompile(`\s(?:\\?\||&&|;)\s`)
	foreign  = regexp.MustCompile(`^(?:docker|helm) [a-z]`)
)

// foreignCommands are the commands of docker and helm in a text.
func foreignCommands(text string) (found []string) {
	var lines []string
	for _, m := range shell.FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Split(m[1], "\n")...)
	}
	for _, m := range code.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		if len(strings.Fields(m[2])) != 2 { // `helm template` within a sentence is a name
			lines = append(lines, m[1]+m[2])
		}
	}
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " #")
		for _, command := range separate.Split(line, -1) {
			if command = strings.TrimSpace(command); foreign.MatchString(command) {
				found = append(found, command)
			}
		}
	}
	return found
}

// The documented commands of docker and helm have flags and arguments that these programs accept, with images, directories,
// build arguments, platforms and charts that exist. They are only parsed, because not every machine has these programs.
func TestForeignCommands(t *testing.T) {
	t.Parallel()
	all := pages(t)
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	all["Dockerfile"] = string(dockerfile)
	seen := 0
	for page, text := range all {
		for _, command := range foreignCommands(text) {
			seen++
			if err := judge(command); err != nil {
				t.Errorf("%s: %s: %v", page, command, err)
			}
		}
	}
	if seen < 12 {
		t.Errorf("only %d commands were found", seen)
	}
	release, err := os.ReadFile("../../.github/workflows/release.yaml")
	if err != nil || !strings.Contains(string(release), strings.Join(platforms, ",")) {
		t.Errorf("release.yaml does not build %s (%v)", strings.Join(platforms, ","), err)
	}
	for _, wrong := range []string{
		"docker build -t Reloader .", "docker build --tags reloader .", "docker build -t reloader ./docs", "docker build -t", "docker build",
		"docker buildx build --platform linux/mips .", "docker build --build-arg RELEASE=1 .", "docker run", "docker run --rm -v x:etc reloader",
		"docker run -v $PWD/examples/none:/etc reloader", "docker runs reloader", "helm template", "helm template a grafana/grafana",
		"helm template a . -f values.json", "helm render .",
	} {
		if judge(wrong) == nil {
			t.Errorf("%s counts as right", wrong)
		}
	}
	if err := judge("docker run --rm -v $PWD/examples/prometheus:/etc/prometheus reloader:latest check --prometheus-config /etc/prometheus"); err != nil {
		t.Error(err)
	}
}

// values are the names of a chart's values, as recorded from its values.yaml.
func values(t *testing.T, chart string) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/values-" + chart + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")[1:]
}

// unknownValues are the names below n that the chart does not have. A value of the chart without names below it may have any.
func unknownValues(known []string, above string, n *yaml.Node) (unknown []string) {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	if above != "" && !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, above+".") }) {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		name := strings.TrimPrefix(above+"."+n.Content[i].Value, ".")
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
			continue
		}
		unknown = append(unknown, unknownValues(known, name, n.Content[i+1])...)
	}
	return unknown
}

// The charts have all values that the documentation sets or names.
func TestChartValues(t *testing.T) {
	t.Parallel()
	install := pages(t)["../../docs/install.md"]
	for chart, heading := range map[string]string{"prometheus": "## Helm chart: prometheus-community/prometheus\n", "grafana": "## Helm chart: grafana\n"} {
		known := values(t, chart)
		_, section, _ := strings.Cut(install, heading)
		section, _, _ = strings.Cut(section, "\n## ")
		snippets := yamlBlock.FindAllStringSubmatch(section, -1)
		if len(snippets) == 0 {
			t.Errorf("install.md has no values below %q", heading)
		}
		for _, m := range append(snippets, []string{"", "configmapReload: {prometheus: {enable: true}}\nsidecar: {datasources: {skipReloads: true}}"}) {
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(m[1]), &doc); err != nil {
				t.Fatal(err)
			}
			unknown := unknownValues(known, "", doc.Content[0])
			if wrong := m[0] == ""; wrong != (len(unknown) > 0) {
				t.Errorf("chart %s: unknown values %q in\n%s", chart, unknown, m[1])
			}
		}
	}
	known := slices.Concat(values(t, "prometheus"), values(t, "grafana"))
	dotted := regexp.MustCompile("`((?:configmapReload|sidecar|server)\\.[\\w.*]+)")
	seen := 0
	for _, page := range []string{install, pages(t)["../../docs/migration.md"]} {
		for _, m := range dotted.FindAllStringSubmatch(page, -1) {
			seen++
			if !slices.ContainsFunc(known, func(k string) bool { ok, err := path.Match(m[1], k); return ok && err == nil }) {
				t.Errorf("no chart has the value %s", m[1])
			}
		}
	}
	if seen < 4 {
		t.Errorf("only %d names of values were found", seen)
	}
}
