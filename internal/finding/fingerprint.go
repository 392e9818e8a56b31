package finding

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// fingerprintKey is random in each process, so that no one can find a short secret by trying values until one has a fingerprint
// that was shown somewhere.
var fingerprintKey = func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never returns an error: it ends the process instead
	return key
}()

// FingerprintKey is for a child process that judges files for this one: their fingerprints are comparable only with the same
// key. Give it to no one else.
func FingerprintKey() []byte { return fingerprintKey }

// UseFingerprintKey sets the key of the parent process. Call it once, before any fingerprint.
func UseFingerprintKey(key []byte) { fingerprintKey = key }

// Fingerprint is equal for equal contents and does not reveal them. The division into parts counts: ("ab", "c") and ("a", "bc")
// differ. Fingerprints are comparable only within one process.
func Fingerprint(parts ...string) uint64 {
	h := NewFingerprint()
	for _, p := range parts {
		h.WriteString(p)
	}
	return h.Sum()
}

// FingerprintHash computes a Fingerprint part by part.
type FingerprintHash struct {
	h   hash.Hash
	buf []byte
}

// NewFingerprint starts a fingerprint without parts.
func NewFingerprint() *FingerprintHash {
	return &FingerprintHash{h: hmac.New(sha256.New, fingerprintKey)}
}

// WriteString adds a part.
func (f *FingerprintHash) WriteString(part string) {
	f.buf = append(binary.BigEndian.AppendUint64(f.buf[:0], uint64(len(part))), part...)
	f.h.Write(f.buf)
}

// Sum is the fingerprint of all parts.
func (f *FingerprintHash) Sum() uint64 { return binary.BigEndian.Uint64(f.h.Sum(nil)) }
