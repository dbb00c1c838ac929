# SPDX-License-Identifier: MIT
# One service in an image of its own: docker build --file docker/service.Dockerfile --build-arg SERVICE=checkout .
#
# No BuildKit syntax: registries build this with the classic builder. The image holds the program, the libraries that it links, the
# authorities and the package records of these, and nothing else: no shell, no package manager.
ARG BASE=debian:trixie-slim
FROM ${BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      ca-certificates cmake g++ libabsl-dev libboost1.83-dev libcurl4-openssl-dev libdeflate-dev libgrpc++-dev libisal-dev libprotobuf-dev \
      libprotozero-dev libsimdjson-dev libssl-dev mold ninja-build opentelemetry-cpp-dev pkg-config protobuf-compiler-grpc \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt LICENSE ./
COPY cmake cmake
COPY azmon azmon
COPY net net
COPY services services
# All three, so that a local build of the second and third service finds this layer done.
RUN cmake -S . -B /build -G Ninja -DAZMON_PARTS=services -DAZMON_WERROR=OFF -DCMAKE_BUILD_TYPE=None \
      "-DCMAKE_CXX_FLAGS=-O2 -DNDEBUG -fstack-protector-strong -fcf-protection -D_FORTIFY_SOURCE=2" \
      "-DCMAKE_EXE_LINKER_FLAGS=-Wl,-z,relro,-z,now" "-DCMAKE_SHARED_LINKER_FLAGS=-Wl,-z,relro,-z,now" \
 && cmake --build /build --target checkout order-processor receipt
COPY docker/rootfs.sh docker/
ARG SERVICE
RUN test -n "${SERVICE}" \
 && sh docker/rootfs.sh "/build/bin/${SERVICE}" service /rootfs

FROM scratch
LABEL org.opencontainers.image.title="azmon sample service" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /rootfs/ /
# Every interface: the container's own network is the border.
ENV HOST=0.0.0.0
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/usr/bin/service", "--health"]
ENTRYPOINT ["/usr/bin/service"]
