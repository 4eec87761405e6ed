"""The page at ``/`` and the API's description at ``/docs``: files of the package, read once when the server starts."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request, Response
from jinja2 import Environment, PackageLoader, select_autoescape

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_EXAMPLES = {
    "/predict": "curl -F pictures=@cell.png -F pictures=@other.jpg http://127.0.0.1:8000/predict",
    "/explain": "curl -F pictures=@cell.png http://127.0.0.1:8000/explain",
    "/differential": (
        'curl -H \'Content-Type: application/json\' -d \'{"counts": {"neutrophil": 61, "lymphocyte": 30}}\''
        " http://127.0.0.1:8000/differential"
    ),
    "/model": "curl http://127.0.0.1:8000/model",
}


class Asset:
    """A file of the page, in memory."""

    def __init__(self, name: str, content: bytes) -> None:
        self.content = content
        self.type = _TYPES[name.rpartition(".")[2]]
        self.tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'

    def response(self, request: Request) -> Response:
        """Return the file, or that the browser's copy is still good."""
        headers = {"ETag": self.tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.type, headers=headers)


@cache
def assets() -> dict[str, Asset]:
    """Return the files of the page by name."""
    folder = files("smearlab.deploy.server") / "static"
    return {file.name: Asset(file.name, file.read_bytes()) for file in folder.iterdir() if "." in file.name}


def add_pages(app: FastAPI) -> None:
    """Add ``/``, ``/static/…`` and ``/docs`` to the application."""
    held = assets()

    async def page(request: Request) -> Response:
        return held["index.html"].response(request)

    async def described(request: Request) -> Response:
        return Asset("docs.html", description_page(app.openapi()).encode()).response(request)

    # One route for each file: no part of a path that a request names is ever looked up on the disk.
    routes = {"/": page, "/docs": described} | {f"/static/{name}": asset.response for name, asset in held.items()}
    for path, answer in routes.items():
        app.add_api_route(path, answer, methods=["GET", "HEAD"], include_in_schema=False)


def description_page(schema: dict[str, Any]) -> str:
    """Lay out an OpenAPI schema as a plain page that needs nothing from elsewhere."""
    environment = Environment(
        loader=PackageLoader("smearlab.deploy.server", "templates"), autoescape=select_autoescape()
    )
    return environment.get_template("docs.html").render(api=schema, named=_named, examples=_EXAMPLES)


def _named(schema: dict[str, Any]) -> str:
    """Say in a word or two what a schema describes: ``string``, ``list of Prediction``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_named(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_named(schema.get('items', {}))}"
    return "file" if schema.get("format") == "binary" else str(schema.get("type", "anything"))
