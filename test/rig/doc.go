// Package rig starts this repository's programs and real servers for tests, and queries them.
package rig
