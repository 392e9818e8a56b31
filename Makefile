# Every target is explained by `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
REVISION ?= $(shell git rev-parse -q --verify HEAD 2>/dev/null || echo unknown)
# Where real servers and tools are kept between runs.
CACHE    ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/reloader
BIN      := bin
LDFLAGS  := -s -w -X main.version=$(VERSION) -X main.revision=$(REVISION)

PROMETHEUS_VERSION := $(shell sed -n 's,.*github.com/prometheus/prometheus v\([0-9.]*\).*,\1,p' tools/prometheus/go.mod)
# The module v0.316.0 is the release 3.16.0.
PROMETHEUS_RELEASE := $(shell echo $(PROMETHEUS_VERSION) | sed -E 's/^0\.([0-9]+)([0-9]{2})\./\1.\2./;s/\.0([0-9])/.\1/')
PROMETHEUS := $(CACHE)/prometheus-$(PROMETHEUS_VERSION)
PROMTOOL   := $(CACHE)/promtool-$(PROMETHEUS_VERSION)
LINT       := $(CACHE)/golangci-lint-$(shell sed -n 's,.*golangci-lint/v2 \(v[0-9.]*\).*,\1,p' tools/lint/go.mod)

# The race detector needs a C compiler; without one the tests still run, and say so.
RACE := $(if $(shell command -v $(shell go env CC) 2>/dev/null),-race,)

# The same settings everywhere, so that builds, the linter and the servers share one build cache: all of Prometheus
# is compiled once. What links it, or only starts programs, is tested without the race detector, with these settings.
# So are long tests of some other packages that share no memory: those packages are tested in both ways.
UNRACED := ./cmd/promcheck ./internal/prometheus/judge/... ./test/... \
  ./internal/check/manifests ./internal/confine ./internal/gate ./internal/grafana/child ./internal/grafana/validator ./internal/inject ./internal/reload ./internal/yamlslip
RACED    = $(shell go list ./... | grep -vE '^reloader/(cmd/promcheck|internal/prometheus/judge|test/)')
export GOFLAGS := $(GOFLAGS) -buildvcs=false -trimpath
export CGO_ENABLED ?= 0
export RELOADER_PROMETHEUS_BINARY ?= $(PROMETHEUS)
export RELOADER_PROMTOOL_BINARY ?= $(PROMTOOL)

.PHONY: help
help: ## lists the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.PHONY: build
build: ## builds bin/reloader, bin/promcheck and bin/demo
	@[ -e $(BIN)/promcheck ] || echo "compiling; promcheck links parts of Prometheus, which takes a minute or two the first time"
	@tools/progress . ./cmd/...
	go build -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

.PHONY: servers
servers: $(PROMETHEUS) $(PROMTOOL) ## builds the real Prometheus and promtool that demo and tests use (cached)

# Their versions are in their names: what the cache has is never older than go.mod asks for.
$(PROMETHEUS) $(PROMTOOL):
	@mkdir -p $(CACHE)/tmp
	@echo "building the real $(notdir $@) from its module (once, a few minutes)"
	@tools/progress tools/prometheus github.com/prometheus/prometheus/cmd/$(firstword $(subst -, ,$(notdir $@)))
	cd tools/prometheus && go build -ldflags '-s -w -X github.com/prometheus/common/version.Version=$(PROMETHEUS_RELEASE)' \
	  -o $(CACHE)/tmp/$(notdir $@) github.com/prometheus/prometheus/cmd/$(firstword $(subst -, ,$(notdir $@)))
	@mv -f $(CACHE)/tmp/$(notdir $@) $@

.PHONY: demo
demo: build $(PROMETHEUS) ## the main job on this machine: a real Prometheus follows a directory
	$(BIN)/demo --prometheus-binary $(PROMETHEUS) $(DEMO_FLAGS)

.PHONY: test
test: build servers ## passes all tests that need no cluster
	@echo "testing what links Prometheus or starts programs ($(UNRACED)); each package is named when it is done"
	go test -vet=off -p 4 -timeout 20m $(UNRACED) # make lint vets; many of these wait most of the time
	@echo "testing all other packages$(if $(RACE), with the race detector,: no C compiler, so without the race detector)"
	$(if $(RACE),CGO_ENABLED=1) go test -vet=off -p 4 $(RACE) -timeout 20m $(RACED)

# axe-core checks that the page is accessible; without npm that test is skipped.
AXE := $(CACHE)/axe-$(shell sed -n 's,.*"axe-core": "\([0-9.]*\)".*,\1,p' tools/axe/package.json).js
export RELOADER_AXE ?= $(AXE)

.PHONY: axe
axe: $(AXE) ## installs axe-core, with which a test checks that the page is accessible (needs npm)

$(AXE):
	@mkdir -p $(CACHE)/tmp/axe
	cp tools/axe/package.json tools/axe/package-lock.json $(CACHE)/tmp/axe/
	npm ci --silent --prefix $(CACHE)/tmp/axe
	mv $(CACHE)/tmp/axe/node_modules/axe-core/axe.min.js $@

.PHONY: screenshots
screenshots: ## writes the pictures of the page in docs/images (needs Debian's chromium and chromium-driver)
	@mkdir -p $(CACHE)/tmp/shots docs/images
	RELOADER_SCREENSHOTS=$(CACHE)/tmp/shots go test -count=1 -run TestScenes ./test/page
	cp $(CACHE)/tmp/shots/in-sync-light.png $(CACHE)/tmp/shots/rejected-dark.png docs/images/

.PHONY: soak
soak: build servers ## random faults for a long time; SEEDS and LENGTH say how many and how long
	RELOADER_CHAOS_SEEDS=$${SEEDS:-50} RELOADER_CHAOS_LENGTH=$${LENGTH:-200} go test -count=1 -timeout 6h -parallel 4 -v -run TestChaos ./test/chaos

.PHONY: e2e
e2e: e2e-check build $(PROMETHEUS) ## tries it on a real one-node Kubernetes (root; the cluster's programs are built once)
	test/e2e/run.sh

.PHONY: e2e-check
e2e-check: # before the long builds
	@test/kube/kube check

.PHONY: grafana-contract
grafana-contract: build ## the tests beside a real Grafana, the program GRAFANA_BINARY with the home directory GRAFANA_HOME
	RELOADER_TEST_GRAFANA_BINARY=$(GRAFANA_BINARY) RELOADER_TEST_GRAFANA_HOME=$(GRAFANA_HOME) \
	go test -count=1 -timeout 60m ./internal/grafana/driver ./test/grafana

# Other versions than those that reloader ships with and is tested against: an older server, from a module of its own, and a
# promcheck with an older library. 3.15 is the oldest that promcheck compiles with. The settings of service discovery
# (judge/settings) stay those of the library in go.mod.
SKEW_VERSION    := $(shell sed -n 's,.*github.com/prometheus/prometheus v\([0-9.]*\).*,\1,p' tools/skew/go.mod)
SKEW_RELEASE    := $(shell echo $(SKEW_VERSION) | sed -E 's/^0\.([0-9]+)([0-9]{2})\./\1.\2./;s/\.0([0-9])/.\1/')
SKEW_PROMETHEUS := $(CACHE)/prometheus-$(SKEW_VERSION)
SKEW_LIBRARY    := 0.315.0

.PHONY: skew
skew: build servers $(SKEW_PROMETHEUS) ## beside a server and a library of other versions (about 10 minutes more to compile the first time)
	@mkdir -p $(BIN)/skew
	cp go.mod $(BIN)/skew/promcheck.mod && cp go.sum $(BIN)/skew/promcheck.sum
	go get -modfile=$(BIN)/skew/promcheck.mod github.com/prometheus/prometheus@v$(SKEW_LIBRARY)
	go mod tidy -modfile=$(BIN)/skew/promcheck.mod
	go build -modfile=$(BIN)/skew/promcheck.mod -o $(BIN)/skew/promcheck -ldflags '-X reloader/internal/prometheus/judge.Library=$(shell \
	  echo $(SKEW_LIBRARY) | sed -E 's/^0\.([0-9]+)([0-9]{2})\./\1.\2./;s/\.0([0-9])/.\1/')' ./cmd/promcheck
	RELOADER_SKEW_PROMETHEUS=$(SKEW_PROMETHEUS) RELOADER_SKEW_PROMCHECK=$(CURDIR)/$(BIN)/skew/promcheck \
	  go test -count=1 -timeout 20m ./test/skew

$(SKEW_PROMETHEUS):
	@mkdir -p $(CACHE)/tmp
	@echo "building Prometheus $(SKEW_RELEASE) from its module (once, several minutes)"
	cd tools/skew && go build -ldflags '-s -w -X github.com/prometheus/common/version.Version=$(SKEW_RELEASE)' \
	  -o $(CACHE)/tmp/$(notdir $@) github.com/prometheus/prometheus/cmd/prometheus
	@mv -f $(CACHE)/tmp/$(notdir $@) $@

.PHONY: bench
bench: build servers ## the figures of docs/benchmarks.md, measured here
	go test -run '^$$' -bench . -benchtime 20x -timeout 30m ./test/bench/...
	go test -run '^$$' -bench . -benchtime 20x -timeout 30m ./cmd/promcheck ./internal/snapshot ./internal/gate ./internal/grafana/validator

.PHONY: fuzz
fuzz: ## runs every fuzz target for FUZZTIME each (default 10s)
	@for p in $$(grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$p/*_test.go | cut -c6-); do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-10s} $$p; done; done

.PHONY: lint
lint: $(LINT) ## golangci-lint, gofmt, known vulnerabilities, the check for macOS, and the linters of what makes a release
	go mod tidy -diff
	tools/vuln/run.sh
	$(LINT) run ./...
	go tool -modfile=tools/actionlint/go.mod actionlint
	cd tools/release && go test -count=1 ./... # no cached result: the files are outside of its module
	cd tools/schemas && go test -count=1 ./...
	GOOS=darwin go build -o /dev/null ./cmd/reloader
	GOOS=darwin go vet $$(go list ./internal/... ./cmd/reloader | grep -v /prometheus/judge)

$(LINT):
	@mkdir -p $(CACHE)/tmp
	cd tools/lint && go build -o $(CACHE)/tmp/$(notdir $@) github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@mv -f $(CACHE)/tmp/$(notdir $@) $@

.PHONY: clean
clean: ## removes what was built here; the cache of real servers stays
	rm -rf $(BIN) dist

.PHONY: docs
docs: ## writes docs/flags.md from the help texts
	RELOADER_UPDATE=1 go test -count=1 ./cmd/reloader -run TestFlagsDoc

.PHONY: golden
golden: ## writes every expected output again: look at the difference before you commit it
	RELOADER_UPDATE=1 go test -count=1 $$(grep -rl --include='*_test.go' RELOADER_UPDATE . | xargs -n1 dirname | sort -u)

.PHONY: verdicts
verdicts: build servers ## compares all verdicts: promtool and its mutants, slips and their distance, Grafana's trials, all cases
	go test -count=1 -v -run 'TestSlips|TestVerdicts' ./internal/prometheus/judge | grep -E 'slips that are|mutants,|rule files,|^(ok|FAIL|---)'
	go test -count=1 ./internal/prometheus/... ./internal/grafana/... ./internal/finding ./internal/yamlslip ./internal/manifest ./internal/check/... ./cmd/promcheck
