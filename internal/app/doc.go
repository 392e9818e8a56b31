// Package app wires the parts together and owns their lifecycle.
package app
