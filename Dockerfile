# One image for every role: `boxoffice serve --role ...`, `boxoffice migrate`, any other command.
#
# Bases are pinned by exact tag. A digest is stronger: whoever builds for production looks it up at
# the registry and writes it behind the tag (python:TAG@sha256:...), in both places.

FROM python:3.11.13-slim-bookworm AS build

WORKDIR /build
COPY requirements/build.txt requirements/image.txt requirements/
# Wheels alone: nothing is compiled, here or later.
RUN python -m venv /opt/builder \
    && /opt/builder/bin/pip install --no-cache-dir --require-hashes --only-binary :all: \
        -r requirements/build.txt \
    && python -m venv --without-pip /opt/boxoffice \
    && pip --python /opt/boxoffice/bin/python install --no-cache-dir --require-hashes \
        --only-binary :all: -r requirements/image.txt
COPY . .
RUN /opt/builder/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --no-index \
        --wheel-dir /build/wheels . \
    && pip --python /opt/boxoffice/bin/python install --no-cache-dir --no-deps --no-index \
        /build/wheels/boxoffice-*.whl


FROM python:3.11.13-slim-bookworm

# The numbers stand in docker-compose.yml too, and own the files of secrets on the host.
RUN groupadd --gid 10001 boxoffice \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin boxoffice \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/boxoffice
COPY --from=build /opt/boxoffice /opt/boxoffice

ENV PATH=/opt/boxoffice/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    BOXOFFICE_DATA_DIR=/var/lib/boxoffice \
    BOXOFFICE_HEALTH_PORT=8081

USER 10001:10001
WORKDIR /var/lib/boxoffice
EXPOSE 7547 8080 8081
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=2 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8081/readyz', timeout=3)"]
ENTRYPOINT ["boxoffice"]
CMD ["serve"]
