// Package ini judges a grafana.ini as Grafana's own loader would, and says where each finding is.
//
// Grafana reads the file with gopkg.in/ini.v1 and its default load options, copies every key
// that has a value over its defaults, lets GF_ environment variables override them, and then expands
// ${NAME}, $__env{NAME} and $__file{PATH}. That library keeps no positions, so scan parses the
// same grammar and records them. No finding ever contains a value: this file has passwords.
package ini
