# The service alone, with the extra `production`: no training code, no data, no model. Features and
# models are mounted (compose.yaml starts it with Redis and PostgreSQL):
#   docker build -t next-best-action .
#   docker run --rm --user "$(id -u)" -p 127.0.0.1:3000:3000 \
#     -v "$PWD/.nba:/app/.nba" -v "$PWD/models:/app/models" next-best-action
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements/uv.txt requirements/serving.txt ./
RUN python -m venv --without-pip /opt/nba \
 && pip install --no-cache-dir --require-hashes -r uv.txt \
 && uv pip sync --no-cache --compile-bytecode --python /opt/nba/bin/python \
      --require-hashes serving.txt

FROM python:3.11-slim
# LightGBM links against GNU OpenMP, which the slim image lacks. The version is not pinned because
# Debian's archive keeps only the newest one.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin nba \
 && install -d -o nba /app/.nba /app/models
COPY --from=build /opt/nba /opt/nba

WORKDIR /app
COPY pyproject.toml ./
COPY features/ features/
COPY decisioning/ decisioning/
COPY serving/ serving/
COPY feature_repo/ feature_repo/
COPY configs/ configs/
RUN /opt/nba/bin/python -m compileall -q features decisioning serving

# The service listens on loopback unless it is told otherwise. In a container loopback reaches
# nobody: what is reachable is decided by the ports that are published.
ENV NBA_HTTP_HOST=0.0.0.0 \
    NBA_HTTP_PORT=3000 \
    NBA_HOME=/app/.nba \
    NBA_MODELS=/app/models \
    NBA_CONFIG_DIR=/app/configs \
    PATH=/opt/nba/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    BENTOML_HOME=/tmp/bentoml \
    BENTOML_DO_NOT_TRACK=True

USER 10001
VOLUME ["/app/.nba", "/app/models"]
EXPOSE 3000
# NBA_ALLOWED_HOSTS, where it is set, holds for this request as well.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; e = os.environ; r.urlopen(r.Request(f\"http://127.0.0.1:{e['NBA_HTTP_PORT']}/healthz\", headers={'Host': e.get('NBA_ALLOWED_HOSTS', '').split(',')[0].strip() or '127.0.0.1'}), timeout=2)"]
CMD ["bentoml", "serve", "serving.service:NextBestAction"]
