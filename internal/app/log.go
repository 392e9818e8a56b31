package app

import (
	"io"
	"log/slog"

	"reloader/internal/config"
)

// NewLogger returns a logger in the configured format, and its level, which can be changed while running.
func NewLogger(w io.Writer, cfg config.Config) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	setLevel(level, cfg.LogLevel)
	opts := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), level
	}
	return slog.New(slog.NewTextHandler(w, opts)), level
}

func setLevel(level *slog.LevelVar, name string) {
	var l slog.Level
	// Validate has refused any name that does not parse.
	if err := l.UnmarshalText([]byte(name)); err == nil {
		level.Set(l)
	}
}
