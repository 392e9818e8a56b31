//go:build race

package confine

// shadowed says that the race detector is on, whose memory is several times the program's.
const shadowed = true
