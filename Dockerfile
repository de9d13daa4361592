# Node runs the TypeScript sources as they are: there is no build, only the production dependencies.
FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force

FROM node:26-bookworm-slim
# tini reaps what programs leave behind and passes signals on, also under a plain `docker run`; git brings trees of workspaces.
RUN apt-get update \
 && apt-get install -y --no-install-recommends git tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 runwire \
 && useradd --uid 10001 --gid runwire --create-home --shell /bin/sh runwire \
 && install -d -o runwire -g runwire -m 0700 /var/lib/runwire
WORKDIR /app
COPY package.json LICENSE README.md SECURITY.md ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY client ./client
COPY mcp ./mcp
COPY runners ./runners
COPY routes ./routes
COPY src ./src
COPY docs ./docs
# Binding more than loopback needs RUNWIRE_TOKEN: without it the server refuses to start.
ENV NODE_ENV=production \
    RUNWIRE_HOST=0.0.0.0 \
    RUNWIRE_PORT=7070 \
    RUNWIRE_DATA_DIR=/var/lib/runwire
USER runwire
VOLUME /var/lib/runwire
EXPOSE 7070
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.RUNWIRE_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# -s: reap as a subreaper too, where the container already has an init of its own.
ENTRYPOINT ["/usr/bin/tini", "-s", "--"]
CMD ["node", "src/server.ts"]
