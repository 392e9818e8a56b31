#!/usr/bin/env bash
# Runs the end-to-end tests on a one-node Kubernetes of its own. `make e2e` has built the programs.
# E2E_KEEP=1 leaves the cluster running; E2E_FLAGS are more flags of the test binary (-test.run X).
set -euo pipefail
cd "$(dirname "$0")/../.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/reloader
export KUBE_HOME=${KUBE_HOME:-$cache/kube} GOFLAGS="${GOFLAGS:-} -buildvcs=false"
kube=$PWD/test/kube/kube
work=$(mktemp -d)
finish() {
  [ -n "${E2E_KEEP:-}" ] || "$kube" down
  rm -rf "$work"
}
trap finish EXIT

"$kube" build
"$kube" up

# The real Prometheus, and a stand-in for Grafana. A build from the module has no web interface;
# with a page in its place the path /graph answers, which the readiness probe of the user's
# manifest asks for: Prometheus looks for it below a working directory called "ui".
echo '<!doctype html><title>Prometheus</title>' >"$work/index.html"
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$work/standin" ./test/e2e/standin
WORKDIR=/ui "$kube" image prom/prometheus:e2e "$RELOADER_PROMETHEUS_BINARY=/bin/prometheus" \
  "$work/index.html=/ui/static/mantine-ui/index.html"
"$kube" image grafana/grafana:e2e "$work/standin=/run.sh"
USERSPEC=65532:65532 "$kube" image reloader:e2e bin/reloader=/reloader bin/promcheck=/promcheck

# Pods and API can be reached from inside the cluster's namespaces only.
go test -c -tags e2e -o "$work/e2e.test" ./test/e2e
cd test/e2e
E2E_KUBE=$kube E2E_RELOADER=$PWD/../../bin/reloader "$kube" exec "$work/e2e.test" -test.v -test.timeout 30m ${E2E_FLAGS:-}
