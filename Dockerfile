# Two stages: the first has the tools that generate the database client, the second what runs.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY prisma ./prisma
COPY bin ./bin
COPY packages ./packages
RUN npm ci --ignore-scripts && node prisma/generate.ts

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data KEYS_DIR=/keys
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY bin ./bin
# The image brings Node 24 itself, so the copy among the dependencies, which others need, stays out.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/node node_modules/node-bin-* && npm cache clean --force
COPY --from=build /app/src/generated ./src/generated
COPY prisma/migrations ./prisma/migrations
COPY src ./src
COPY views ./views
RUN install -d -m 700 -o node -g node /data /keys
USER node
VOLUME ["/data", "/keys"]
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "const tls = process.env.TLS_CERT_FILE; if (tls) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; fetch(`http${tls ? 's' : ''}://127.0.0.1:${process.env.PORT || 3000}/health/ready`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
