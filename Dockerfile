# docker build -t arkwatch .
# docker run --read-only --tmpfs /tmp -p 8080:8080 -v arkwatch-data:/var/lib/arkwatch arkwatch
ARG BUILD_IMAGE=node:22-bookworm-slim
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY package.json bun.lock .npmrc ./
COPY scripts/setup.mjs scripts/setup.mjs
RUN node scripts/setup.mjs --production

FROM ${RUNTIME_IMAGE}
RUN groupadd --gid 10001 arkwatch \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/arkwatch --shell /usr/sbin/nologin arkwatch \
  && install -d -o arkwatch -g arkwatch -m 0750 /var/lib/arkwatch \
  && install -d -m 0755 /etc/arkwatch
COPY --from=build /app/.bun/node_modules/bun/bin/bun.exe /usr/local/bin/bun
COPY --from=build /app/node_modules /app/node_modules
COPY package.json index.ts config.schema.json LICENSE /app/
COPY core /app/core
COPY plugins /app/plugins
COPY cli /app/cli
COPY testing /app/testing
COPY deploy/docker/config.yaml /etc/arkwatch/config.yaml
# The second link lets a plugin in any folder import arkwatch/plugin.
RUN ln -s /app/cli/arkwatch.ts /usr/local/bin/arkwatch \
  && mkdir /node_modules \
  && ln -s /app /node_modules/arkwatch
ENV NODE_ENV=production ENVIRONMENT=production BUN_RUNTIME_TRANSPILER_CACHE_PATH=0
USER 10001:10001
WORKDIR /etc/arkwatch
VOLUME ["/etc/arkwatch", "/var/lib/arkwatch"]
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["arkwatch", "health", "--live", "-c", "/etc/arkwatch/config.yaml"]
ENTRYPOINT ["arkwatch"]
CMD ["start", "-c", "/etc/arkwatch/config.yaml"]
