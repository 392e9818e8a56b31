// Package ini judges a grafana.ini as Grafana's own loader would, and says where each finding is.
//
// Grafana reads the file with gopkg.in/ini.v1 and its default load options, copies every key
// that has a value over its defaults, lets GF_ environment variables win, and then expands
// ${NAME}, $__env{NAME} and $__file{PATH}. That library keeps no positions, so scan follows the
// same grammar with them. No finding ever carries a value: this file holds passwords.
package ini
