package judge

import "reloader/internal/prometheus/judge/settings"

// A *_sd_configs of a kind that is not registered is an unknown field. Static and file discovery register themselves.
func init() { settings.Register() }
