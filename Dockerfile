# The service as a container: an unprivileged user, pinned packages, no installer, no secrets. Settings are CDS_* variables
# (docs/reference/settings.md). With CDS_AUTH=required the service starts only where it can tell who is calling.
#
# The root may be read-only: only /tmp (counts of workers) and /srv/cds/var (accepted releases, SQLite) are written to.
# The base is named by version, so that a rebuild takes its mends. For builds that are the same to the byte, name it by
# digest in both places: FROM python:3.11-slim-bookworm@sha256:...

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv --without-pip /opt/cds
COPY requirements.txt requirements-build.txt ./
RUN python -m pip install --require-hashes -r requirements-build.txt \
 && python -m pip --python /opt/cds/bin/python install --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY cds_service cds_service
COPY rules rules
COPY fhir_fixtures fhir_fixtures
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && python -m pip --python /opt/cds/bin/python install --no-deps --no-index /wheel/*.whl
# The rules are judged here, once: a new container need not do it before its first answer.
RUN /opt/cds/bin/cds-service rules accept

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="cds-service" \
      org.opencontainers.image.description="CDS Hooks service for opioid use disorder" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing that can install: the base brings pip, and the service's own packages were put in from outside.
RUN rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
 && groupadd --system --gid 10001 cds \
 && useradd --system --uid 10001 --gid cds --home-dir /srv/cds --create-home --shell /usr/sbin/nologin cds \
 && install --directory --owner cds --group cds --mode 0700 /srv/cds/var
COPY --from=build /opt/cds /opt/cds
WORKDIR /srv/cds
USER 10001:10001
ENV PATH=/opt/cds/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CDS_HOST=0.0.0.0 \
    CDS_PORT=8000 \
    CDS_AUTH=required
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"CDS_PORT\"]}/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["cds-service", "serve"]
