// Package config parses, defaults and validates reloader's own flags, environment and file.
package config
