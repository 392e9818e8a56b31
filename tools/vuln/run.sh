#!/usr/bin/env bash
# Looks for known vulnerabilities in what the programs are built of: their symbols, against the Go vulnerability database,
# which comes as a module. It fails for each one that known.txt does not name, and for each line of it that has become wrong.
set -euo pipefail
cd "$(dirname "$0")/../.."
go mod download -modfile=tools/vuln/go.mod golang.org/x/vulndb
db=$(go list -modfile=tools/vuln/go.mod -m -f '{{.Dir}}' golang.org/x/vulndb)/data/osv
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for program in reloader promcheck; do
  # With symbols: without them whatever is in a package counts as used.
  go build -o "$dir/$program" "./cmd/$program"
  code=0
  go tool -modfile=tools/vuln/go.mod govulncheck -db "file://$db" -mode=binary "$dir/$program" >"$dir/out" 2>&1 || code=$?
  if [ $code -ne 0 ] && [ $code -ne 3 ]; then cat "$dir/out"; exit $code; fi
  { grep -oE '^Vulnerability #[0-9]+: GO-[0-9]+-[0-9]+' "$dir/out" || true; } | awk -v p=$program '{print p, $3}' | sort >"$dir/found"
  { grep "^$program " tools/vuln/known.txt || true; } | awk '{print $1, $2}' | sort >"$dir/known"
  if ! diff "$dir/known" "$dir/found" >"$dir/diff"; then
    cat "$dir/out" "$dir/diff"
    echo "$program: vulnerabilities differ from tools/vuln/known.txt (> is new, < is gone)" >&2
    exit 1
  fi
done
