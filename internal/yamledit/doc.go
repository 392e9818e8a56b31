// Package yamledit changes single places of YAML documents and keeps every other byte.
package yamledit
