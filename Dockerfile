# One image for the web process, executors and commands; docker-compose.yml starts them.
#
#   docker build --tag obelisk .

# Wheels alone, each with the hash that requirements.txt has of it: nothing is compiled, here or later.
FROM python:3.11-slim AS packages
COPY requirements.txt /
RUN python -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
       --only-binary :all: --require-hashes --requirement /requirements.txt

FROM python:3.11-slim
# By number: whoever forbids root in containers looks at numbers. /data is all that it writes, besides /tmp.
RUN groupadd --gid 10001 obelisk \
    && useradd --uid 10001 --gid obelisk --no-create-home --home-dir /data --shell /usr/sbin/nologin obelisk \
    && install --directory --owner obelisk --group obelisk --mode 700 /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
# Now, as it cannot be written later: the root file system may be read-only.
RUN /venv/bin/python -m compileall -q .
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OBELISK_DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8000
# Of the web process: the database answers and an executor is alive.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "daphne", "-b", "0.0.0.0", "-p", "8000", "obelisk_site.asgi:application"]
