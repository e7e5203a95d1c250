# proctor in a container: docker run --rm -v "$PWD:/app:ro" proctor check
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY checker checker
COPY rules rules
RUN python -m venv /opt/proctor && /opt/proctor/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.12-slim
# Git is for `--diff-base`
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*'
COPY --from=build /opt/proctor /opt/proctor
RUN useradd --create-home proctor
USER proctor
WORKDIR /app
ENTRYPOINT ["/opt/proctor/bin/proctor"]
CMD ["check"]
