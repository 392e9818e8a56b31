#!/usr/bin/env bash
# Runs the end-to-end tests on its own one-node Kubernetes. `make e2e` has built the programs.
# E2E_KEEP=1 leaves the cluster running, and the next run uses it. E2E_FLAGS are more flags of the test
# binary (-test.run X). E2E_GRAFANA_IMAGE=FILE.tar is an image of a real Grafana (docker save), tagged
# grafana/grafana:e2e, which replaces the stand-in.
set -euo pipefail
cd "$(dirname "$0")/../.."

export KUBE_HOME=${KUBE_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/reloader/kube} GOFLAGS="${GOFLAGS:-} -buildvcs=false"
kube=$PWD/test/kube/kube
work=$(mktemp -d)
job='' tested=''

# However this ends, also by Ctrl-C, nothing is left: no process, no mount, no namespace, no file. Only
# after failed tests the logs are kept, until the next run.
finish() {
  trap '' INT TERM HUP
  [ -z "$job" ] || { kill -- "-$job" && wait "$job"; } 2>/dev/null || true
  if [ -n "${E2E_KEEP:-}" ]; then
    echo "the cluster stays: $kube kubectl get pods -A; $kube down --wipe"
  elif [ "$tested" = failed ]; then
    "$kube" down
    echo "the logs of the cluster and its containers: $KUBE_HOME/logs"
  else
    "$kube" down --wipe
  fi
  rm -rf "$work"
}
trap finish EXIT
trap 'tested=""; exit 130' INT
trap 'tested=""; exit 143' TERM HUP

# Runs a command in a process group of its own, so that finish can end all of it.
run() {
  set -m
  "$@" </dev/null &
  job=$!
  set +m
  wait "$job"
  job=''
}

"$kube" check
# The remains of a run that was killed would be started again.
"$kube" status >/dev/null 2>&1 || "$kube" down --wipe
run "$kube" build
run "$kube" up

# The real Prometheus, and a stand-in for Grafana. A build from the module has no web interface. With
# this page the path /graph answers, which the readiness probe of the manifest needs: Prometheus
# searches the page below a working directory called "ui".
echo '<!doctype html><title>Prometheus</title>' >"$work/index.html"
WORKDIR=/ui run "$kube" image prom/prometheus:e2e "$RELOADER_PROMETHEUS_BINARY=/bin/prometheus" \
  "$work/index.html=/ui/static/mantine-ui/index.html"
if [ -n "${E2E_GRAFANA_IMAGE:-}" ]; then
  run "$kube" load "$E2E_GRAFANA_IMAGE"
else
  CGO_ENABLED=0 run go build -trimpath -ldflags '-s -w' -o "$work/standin" ./test/e2e/standin
  run "$kube" image grafana/grafana:e2e "$work/standin=/run.sh"
fi
USERSPEC=65532:65532 run "$kube" image reloader:e2e bin/reloader=/reloader bin/promcheck=/promcheck

# Pods and API can be reached only from inside the cluster's namespaces. Most tests wait most of the
# time, so all run at the same time.
run go test -c -tags e2e -o "$work/e2e.test" ./test/e2e
read -ra flags <<<"${E2E_FLAGS:-}"
mkdir "$work/tmp"
export E2E_KUBE=$kube E2E_RELOADER=$PWD/bin/reloader TMPDIR=$work/tmp
cd test/e2e
tested=failed
run "$kube" exec "$work/e2e.test" -test.v -test.timeout 30m -test.parallel 32 "${flags[@]}"
tested=passed
