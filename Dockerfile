# The image of an agent container: our programs, the users, what commands need, and one vendor's CLI.
# Needs BuildKit, which builds only the stages that are used:
#   DOCKER_BUILDKIT=1 docker build -t agent .
# See docs/usage/docker.md.
ARG DEBIAN=debian:bookworm-slim
# built: from this checkout; prebuilt: from the directory libexec/ of the build context.
ARG PROGRAMS=built

FROM ${DEBIAN} AS built
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      cmake doctest-dev g++ libcap-ng-dev libseccomp-dev libsodium-dev linux-libc-dev meson \
      ninja-build nlohmann-json3-dev pkg-config python3
COPY . /source
RUN meson setup /build /source --buildtype=release && ninja -C /build programs && \
    install -D -t /libexec /build/init/agent-init /build/libexec/*

FROM scratch AS prebuilt
COPY libexec/ /libexec/

FROM ${PROGRAMS} AS programs

FROM ${DEBIAN} AS vendor
ARG AGENT=custom
ARG CLI_PACKAGE=""
ARG CLI_INTEGRITY=""
RUN mkdir -p "/opt/coding-agents/$AGENT"
RUN if [ -n "$CLI_PACKAGE" ]; then \
      apt-get update && \
      DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates npm openssl; \
    fi
COPY scripts/unpack-copilot /tmp/unpack-copilot
# One vendor's CLI, where agent-init looks for it: root's, pinned by version and checksum. Nothing of
# the package is executed here, but for Copilot's, which unpacks its own code, as a user of nothing.
# The secret `ca`, if it is given: certificates that npm trusts besides its own.
RUN --mount=type=secret,id=ca if [ -n "$CLI_PACKAGE" ]; then \
      if [ -f /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi; \
      cd /tmp && file=$(npm pack --silent --ignore-scripts "$CLI_PACKAGE") && \
      got="sha512-$(openssl dgst -sha512 -binary "$file" | base64 -w 0)" && \
      { [ "$got" = "$CLI_INTEGRITY" ] || { echo "CLI_INTEGRITY of $CLI_PACKAGE is $got" >&2; exit 1; }; } && \
      tar -xzf "$file" -C "/opt/coding-agents/$AGENT" --strip-components=1 --no-same-owner && \
      chmod -R u=rwX,go=rX "/opt/coding-agents/$AGENT" && \
      { [ "$AGENT" != copilot ] || bash /tmp/unpack-copilot /opt/coding-agents/copilot; }; \
    fi

FROM ${DEBIAN} AS image
# What commands of a coding agent take for granted; a project adds its own by --build-arg.
ARG PACKAGES=""
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates git procps python3-minimal ${PACKAGES} && \
    rm -rf /var/lib/apt/lists/*

COPY --from=vendor /opt/coding-agents /opt/coding-agents

# The users, as agent-init knows them, and no setuid program: no_new_privs would not let one work anyhow.
RUN groupadd --gid 1000 agentuser && groupadd --gid 1001 agentcli && \
    groupadd --gid 1002 agentaudit && groupadd --gid 1003 agentnet && \
    groupadd --gid 1004 agentchannel && \
    useradd --no-log-init -u 1000 -g 1000 -M -d /home/agentuser -s /bin/bash agentuser && \
    useradd --no-log-init -u 1001 -g 1001 -M -d /home/agentuser -s /bin/bash agentcli && \
    useradd --no-log-init -u 1002 -g 1002 -M -d /nonexistent -s /usr/sbin/nologin agentaudit && \
    useradd --no-log-init -u 1003 -g 1003 -M -d /nonexistent -s /usr/sbin/nologin agentnet && \
    useradd --no-log-init -u 1004 -g 1004 -M -d /nonexistent -s /usr/sbin/nologin agentchannel && \
    mkdir -p /home/agentuser /workspace && \
    find / -xdev -perm /6000 -type f -exec chmod a-s {} +
COPY --from=programs /libexec /libexec
RUN ln -s /libexec/supervisorctl /usr/bin/supervisorctl && \
    ln -s /libexec/agent-task-run /usr/bin/agent-task-run

# PID 1 needs the rights that run-agent --engine docker grants, and refuses to start with less.
STOPSIGNAL SIGTERM
WORKDIR /
ENTRYPOINT ["/libexec/agent-init", "container"]
