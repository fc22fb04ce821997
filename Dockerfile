# syntax=docker/dockerfile:1.7
# Two images of the service: `docker build --target cpu .` and `docker build --target gpu .`
# The root file system can be read-only; /tmp and /data must be writable (see service/deploy).

ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/docalign
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY docalign ./docalign
COPY service ./service
COPY models ./models
RUN /opt/docalign/bin/pip install --constraint constraints.txt '.[serve,postgres,office]'

# The same with onnxruntime's CUDA build in place of the plain one: both own the module `onnxruntime`.
FROM build AS build-gpu
RUN /opt/docalign/bin/pip uninstall --yes onnxruntime \
    && /opt/docalign/bin/pip install 'onnxruntime-gpu[cuda,cudnn]==1.31.1'

FROM ${PYTHON_IMAGE} AS base
LABEL org.opencontainers.image.title="docalign" org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 docalign \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin docalign \
    && install --directory --owner=10001 --group=10001 /data
ENV PATH=/opt/docalign/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DOCALIGN_CACHE=/data DOCALIGN_SERVE_HOST=0.0.0.0 DOCALIGN_SERVE_PORT=8000 \
    OMP_NUM_THREADS=1 MALLOC_ARENA_MAX=2
# Where rankings and feedback are kept unless a database is set.
WORKDIR /data
EXPOSE 8000
VOLUME /data
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
USER 10001:10001
ENTRYPOINT ["docalign"]
CMD ["serve"]

FROM base AS gpu
COPY --from=build-gpu /opt/docalign /opt/docalign
ENV DOCALIGN_SERVE_DEVICE=cuda NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM base AS cpu
COPY --from=build /opt/docalign /opt/docalign
