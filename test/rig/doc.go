// Package rig starts our programs and real servers for tests, and asks them what they do.
package rig
