// Package publish writes a directory the way the kubelet does: complete generations, swapped atomically.
package publish
