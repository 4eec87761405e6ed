# The web service in a container: docker build -t smearlab . && docker run --rm -p 8000:8000 smearlab
# A model of your own: docker run --rm -p 8000:8000 -v "$PWD/runs/cells/model:/model:ro" smearlab --model /model

FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN python -m venv /smearlab && /smearlab/bin/pip install --no-cache-dir -c constraints.txt '.[web]'

FROM python:3.12-slim
COPY --from=build /smearlab /smearlab
# The server writes nothing, and its user owns nothing: run it with --read-only and --cap-drop ALL if you like.
RUN useradd --system --no-create-home --shell /usr/sbin/nologin smearlab
USER smearlab
ENV PATH=/smearlab/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["smearlab", "serve", "--host", "0.0.0.0", "--port", "8000"]
