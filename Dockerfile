# The image holds two static programs, CA certificates and nothing else: no shell, no libraries.
#   docker build .
#   docker buildx build --platform linux/amd64,linux/arm64,linux/arm/v7,linux/ppc64le,linux/s390x .
# The compiler always runs on the builder's own platform; Go cross-compiles.
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
WORKDIR /src
COPY . .
ARG TARGETARCH
ARG TARGETVARIANT
ARG VERSION=dev
ARG REVISION=unknown
# TARGETVARIANT is v7 for arm; GOARM wants the number and only arm looks at it.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    set -eu; \
    export CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -buildvcs=false" GOOS=linux GOARCH="${TARGETARCH:-$(go env GOARCH)}" GOARM="${TARGETVARIANT#v}"; \
    [ "$GOARCH" = arm ] || unset GOARM; \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION -X main.revision=$REVISION" -o /out/ ./cmd/reloader ./cmd/promcheck

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/reloader /out/promcheck /
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="reloader" \
      org.opencontainers.image.description="Keeps Prometheus and Grafana on the newest valid configuration of a mounted directory" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# By number, so that runAsNonRoot can be checked without a passwd file.
USER 65532:65532
EXPOSE 9533
ENTRYPOINT ["/reloader"]
CMD ["run"]
