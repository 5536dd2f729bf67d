# Build:    docker build -t ashlar .
# Serve:    docker run --read-only --cap-drop ALL -p 3000:3000 --env-file settings ashlar
# Migrate:  docker run --read-only --cap-drop ALL --env DATABASE_URL ashlar node dist/prisma/migrate.js deploy

FROM docker.io/library/node:26.10.0-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package of the lock needs its install script, and none gets to run one.
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM packages AS build
COPY . .
RUN npm run build

FROM packages AS production
# Without tools, the embedded PostgreSQL, the packaged Node (the image has one), the Prisma CLI (an optional peer of its client), the
# query compilers for other databases, and what packages bring for editors and debuggers alone. `npm ci --omit=optional` is no short cut: argon2's binary is an optional package, too.
RUN npm pkg delete devDependencies optionalDependencies \
 && npm prune --omit=dev --omit=peer --ignore-scripts --no-audit --no-fund \
 && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name '*postgresql*' -delete \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && find node_modules -type d -empty -delete

FROM docker.io/library/node:26.10.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=production /app/node_modules ./node_modules
COPY --from=production /app/package.json ./
COPY prisma/migrations ./prisma/migrations
COPY --from=build /app/dist ./dist
# A package that is missing after all fails the build, not the first start.
RUN node -e "import('./dist/src/server.js'); import('graphile-worker')"
# Where files lie when there is no bucket: a volume that all processes share takes its owner from here.
RUN mkdir /data && chown 1000:1000 /data
ENV DATA_DIR=/data
USER 1000:1000
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "require('node:http').get(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
CMD ["node", "dist/src/main.js"]
