// Package gate writes a directory the way the kubelet does: complete generations, swapped atomically.
//
// A published directory looks like a mounted ConfigMap:
//
//	..2026_11_22_11_03_59.953371451/   one generation: real files, never changed once it is current
//	..data -> ..2026_11_22_11_03_59.953371451
//	prometheus.yml -> ..data/prometheus.yml
//	rules -> ..data/rules
//	..reloader/                         the writer's own notes: lock, which generations are complete and accepted
//
// What readers may rely on is written in docs/gated.md; crash_test.go holds the package to it.
package gate
