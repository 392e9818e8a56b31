// Package gate writes a directory the way the kubelet does: complete generations, swapped atomically.
//
// A published directory looks like a mounted ConfigMap:
//
//	..2026_11_22_11_03_59.953371451/   one generation: real files, never changed once it is current
//	..data -> ..2026_11_22_11_03_59.953371451
//	prometheus.yml -> ..data/prometheus.yml
//	rules -> ..data/rules
//	..reloader/                         the writer's own notes: the lock, and which generations are complete and accepted
//
// docs/gated.md says what readers may rely on; crash_test.go tests it.
package gate
