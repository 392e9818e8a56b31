package finding

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// fingerprintKey is random in each process, so that no one can find a short secret by
// trying out values against a fingerprint that was shown somewhere.
var fingerprintKey = func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails: it ends the process instead
	return key
}()

// FingerprintKey is for a child process that judges for this one: only with the same key are the fingerprints
// of both comparable. It goes to no one else.
func FingerprintKey() []byte { return fingerprintKey }

// UseFingerprintKey takes over the key of the process that asks. It is called once, before any fingerprint.
func UseFingerprintKey(key []byte) { fingerprintKey = key }

// Fingerprint tells whether two contents are the same without saying what they are. Parts are
// kept apart: ("ab", "c") and ("a", "bc") differ. It is only comparable within one process.
func Fingerprint(parts ...string) uint64 {
	h := NewFingerprint()
	for _, p := range parts {
		h.WriteString(p)
	}
	return h.Sum()
}

// FingerprintHash is a Fingerprint whose parts come one after the other.
type FingerprintHash struct {
	h   hash.Hash
	buf []byte
}

// NewFingerprint begins a fingerprint without parts.
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
