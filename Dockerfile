# Gateway, worker and command line in one image. See docker-compose.yml and docs/production.md.

FROM python:3.12-slim AS build
WORKDIR /source
RUN python -m venv /opt/autokitteh && /opt/autokitteh/bin/python -m pip install --no-cache-dir "uv>=0.7"

# Dependencies first: a change of our code does not install them again.
COPY pyproject.toml ./
RUN /opt/autokitteh/bin/uv pip install --no-cache --python /opt/autokitteh/bin/python -r pyproject.toml --extra slack --extra github --extra google

COPY README.md LICENSE ./
COPY autokitteh ./autokitteh
COPY manifest ./manifest
COPY worker ./worker
RUN /opt/autokitteh/bin/uv pip install --no-cache --python /opt/autokitteh/bin/python --no-deps . && /opt/autokitteh/bin/python -m compileall -q /opt/autokitteh/lib


FROM python:3.12-slim
COPY --from=build /opt/autokitteh /opt/autokitteh
RUN useradd --system --uid 10001 --home-dir /var/lib/autokitteh autokitteh && install -d -o autokitteh -g autokitteh -m 0700 /var/lib/autokitteh /var/cache/autokitteh
ENV PATH=/opt/autokitteh/bin:$PATH \
    AK_HOME=/var/lib/autokitteh \
    AK_CACHE_DIR=/var/cache/autokitteh \
    PYTHONUNBUFFERED=1
USER autokitteh
WORKDIR /var/lib/autokitteh
ENTRYPOINT ["ak"]
CMD ["--help"]
