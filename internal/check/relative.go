package check

import (
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/config"
	"reloader/internal/finding"
)

// relative shows paths as the user wrote them; everything else works with absolute paths.
type relative [][2]string // absolute directory, as written

// newRelative makes the target's paths absolute.
func newRelative(t *config.Target) relative {
	var r relative
	for _, p := range []*string{&t.ConfigFile.Path, &t.Ini.Path} {
		if *p != "" {
			dir := filepath.Dir(*p)
			*p = filepath.Join(r.add(dir), filepath.Base(*p))
		}
	}
	if t.Provisioning.Path != "" {
		t.Provisioning.Path = r.add(t.Provisioning.Path)
	}
	t.Dirs = slices.Clone(t.Dirs)
	for i := range t.Dirs {
		t.Dirs[i].Path = r.add(t.Dirs[i].Path)
	}
	return r
}

// add returns the absolute directory, and remembers how it was written.
func (r *relative) add(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	*r = append(*r, [2]string{abs, filepath.Clean(dir)})
	return abs
}

// finding shows a finding's file, and other files that it names, as the user wrote them.
func (r relative) finding(f *finding.Finding) {
	f.File = r.path(f.File)
	for _, pair := range r {
		if pair[0] == pair[1] || filepath.Dir(pair[0]) == pair[0] {
			continue
		}
		dir := pair[1] + string(filepath.Separator)
		if pair[1] == "." {
			dir = ""
		}
		f.Message = replacePrefix(f.Message, pair[0]+string(filepath.Separator), dir)
	}
}

// replacePrefix replaces a directory where a path begins with it. In the middle of a path or URL it is another one.
func replacePrefix(text, dir, with string) string {
	var b strings.Builder
	for from := 0; ; {
		i := strings.Index(text[from:], dir)
		if i < 0 {
			return b.String() + text[from:]
		}
		at := from + i
		b.WriteString(text[from:at])
		if inPath := at > 0 && !strings.ContainsRune(" \"'`(=,[", rune(text[at-1])); inPath {
			b.WriteString(dir)
		} else {
			b.WriteString(with)
		}
		from = at + len(dir)
	}
}

func (r relative) path(p string) string {
	for _, pair := range r {
		if rest, ok := strings.CutPrefix(p, pair[0]+string(filepath.Separator)); ok {
			return filepath.Join(pair[1], rest)
		}
	}
	return p
}
