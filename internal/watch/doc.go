// Package watch decides when a source must be read again: file system events and polling, both.
package watch
