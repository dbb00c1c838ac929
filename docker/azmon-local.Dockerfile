# SPDX-License-Identifier: MIT
# azmon-local, a local Azure Monitor: docker build --file docker/azmon-local.Dockerfile --tag azmon-local .
#
# Built as docker/service.Dockerfile; Node only makes the page, which is part of the program.
ARG BASE=debian:trixie-slim
FROM ${BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      ca-certificates cmake g++ libabsl-dev libboost1.83-dev libcurl4-openssl-dev libdeflate-dev libgrpc++-dev libisal-dev libprotobuf-dev \
      libprotozero-dev libsimdjson-dev libsqlite3-dev libssl-dev mold ninja-build nodejs npm opentelemetry-cpp-dev pkg-config \
      protobuf-compiler-grpc python3 \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY local/web/package.json local/web/package-lock.json local/web/
RUN npm ci --prefix local/web --ignore-scripts --no-audit --no-fund
COPY CMakeLists.txt LICENSE ./
COPY cmake cmake
COPY azmon azmon
COPY net net
COPY local local
RUN cmake -S . -B /build -G Ninja -DAZMON_PARTS=local -DAZMON_WERROR=OFF -DCMAKE_BUILD_TYPE=None \
      "-DCMAKE_CXX_FLAGS=-O2 -DNDEBUG -fstack-protector-strong -fcf-protection -D_FORTIFY_SOURCE=2" \
      "-DCMAKE_EXE_LINKER_FLAGS=-Wl,-z,relro,-z,now" \
 && cmake --build /build --target azmon-local
COPY docker/rootfs.sh docker/
RUN sh docker/rootfs.sh /build/bin/azmon-local azmon-local /rootfs \
 && mkdir -p /rootfs/var/lib/azmon-local \
 && chown 10001:10001 /rootfs/var/lib/azmon-local

FROM scratch
LABEL org.opencontainers.image.title="azmon-local" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /rootfs/ /
USER 10001:10001
EXPOSE 4380 4317 4318
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/usr/bin/azmon-local", "wait", "--count", "0", "--timeout", "2s"]
# Every interface: publish its ports on 127.0.0.1 alone unless others shall see them.
ENTRYPOINT ["/usr/bin/azmon-local", "--host", "0.0.0.0"]
CMD ["--in-memory"]
