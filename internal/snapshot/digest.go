package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
)

// Digest is a SHA-256: of one file's bytes, or of the names and contents of many.
// The zero Digest means "nothing known".
type Digest [sha256.Size]byte

// DigestBytes returns the digest of one file's contents.
func DigestBytes(b []byte) Digest { return sha256.Sum256(b) }

// ParseDigest reads the 64 hexadecimal digits that String prints.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) {
		return Digest{}, fmt.Errorf("parse digest %q: want %d hexadecimal digits", s, 2*len(d))
	}
	copy(d[:], b)
	return d, nil
}

// String returns the whole digest in lower-case hexadecimal; empty for the zero Digest.
func (d Digest) String() string {
	if d.IsZero() {
		return ""
	}
	return hex.EncodeToString(d[:])
}

// Short returns the first 12 hexadecimal digits, for logs and pages.
func (d Digest) Short() string {
	if d.IsZero() {
		return "none"
	}
	return hex.EncodeToString(d[:6])
}

// Number returns the first 48 bits as a number that a float64 holds exactly, for gauges
// (as Alertmanager does with its config hash). Its hexadecimal form is Short.
func (d Digest) Number() float64 {
	var n uint64
	for _, b := range d[:6] {
		n = n<<8 | uint64(b)
	}
	return float64(n)
}

// IsZero reports whether nothing is known.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText and UnmarshalText make digests hexadecimal in JSON.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText accepts what MarshalText writes, including the empty text.
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Digest{}
		return nil
	}
	p, err := ParseDigest(string(b))
	if err != nil {
		return err
	}
	*d = p
	return nil
}

// digestFiles returns a snapshot's digest: over the sorted names and the contents' digests. The
// first line distinguishes it from a file's own digest and allows for another format later.
func digestFiles(files []File) Digest {
	h := sha256.New()
	h.Write([]byte("files/1\n"))
	for i := range files {
		writeNamed(h, files[i].Name, files[i].Digest)
	}
	return Digest(h.Sum(nil))
}

// JoinDigest returns the digest that a directory with exactly these files has.
func JoinDigest(files []File) Digest {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return compareNames(a.Name, b.Name) })
	return digestFiles(sorted)
}

// Digests returns the digest of each source by its name, and of each directory that holds several sources by its
// Source.Part. Each equals the digest that a user gets for the same files elsewhere.
func (s *Set) Digests() map[string]Digest {
	all := make(map[string]Digest, len(s.Snapshots))
	parts := map[string][]File{}
	for _, snap := range s.Snapshots {
		all[snap.Source.Name] = snap.Digest
		if part := snap.Source.Part; part != "" {
			for _, f := range snap.Files {
				f.Name = snap.Source.Name + "/" + f.Name
				parts[part] = append(parts[part], f)
			}
		}
	}
	for part, files := range parts {
		all[part] = JoinDigest(files)
	}
	return all
}

// digestSnapshots returns a set's digest. Sources are sorted by name, so that the order of flags
// does not matter.
func digestSnapshots(snaps []*Snapshot) Digest {
	if len(snaps) == 1 {
		return snaps[0].Digest
	}
	sorted := slices.Clone(snaps)
	slices.SortStableFunc(sorted, func(a, b *Snapshot) int { return compareNames(a.Source.Name, b.Source.Name) })
	h := sha256.New()
	h.Write([]byte("sources/1\n"))
	for _, s := range sorted {
		writeNamed(h, s.Source.Name, s.Digest)
	}
	return Digest(h.Sum(nil))
}

// writeNamed adds the length first, so that different lists of names never give the same bytes.
func writeNamed(h hash.Hash, name string, d Digest) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(name)))
	h.Write(length[:])
	h.Write([]byte(name))
	h.Write(d[:])
}
