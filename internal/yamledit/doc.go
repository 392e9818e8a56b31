// Package yamledit changes single places in YAML documents and keeps every other byte.
package yamledit
