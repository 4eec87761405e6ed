"""The ASGI application: routes, their description, and the token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from smearlab import __version__
from smearlab.deploy.server.answers import (
    Differential,
    ErrorAnswer,
    HeatMap,
    answer_model,
    differential,
)
from smearlab.deploy.server.front import Front
from smearlab.deploy.server.pages import add_pages
from smearlab.deploy.server.reading import JSON, MULTIPART, JsonPictures, read_small_json
from smearlab.deploy.server.refusal import Refusal, malformed
from smearlab.deploy.server.service import Service
from smearlab.deploy.server.settings import Settings
from smearlab.inference.predictor import Predictor

_ABOUT = """Names blood cells in single-cell pictures. **Not a medical device.**

Pictures are held in memory while they are worked on, and nowhere else."""
Thumbnails = Annotated[bool, Query(description="Add a small PNG of each picture, as the network sees it.")]
_bearer = HTTPBearer(auto_error=False, description="The token that the server was started with.")
_REASONS = {
    400: "The body cannot be read.",
    401: "The token is missing or wrong.",
    408: "The upload took too long.",
    413: "Too large, or too many pictures.",
    415: "Another type of body, or no picture.",
    422: "The request, or each of its pictures, cannot be used.",
    429: "The server is busy; the header Retry-After says when to try again.",
    503: "The server is about to stop.",
}
_STRAY = {
    404: ("not_found", "There is nothing at this address."),
    405: ("wrong_method", "This address does not take that method."),
}


class Counts(BaseModel):
    """Cells by class."""

    model_config = ConfigDict(extra="forbid")

    counts: dict[str, Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)]] = Field(
        description="Class name to number of cells.", max_length=1_000
    )


def create_app(predictor: Predictor, settings: Settings | None = None) -> FastAPI:
    """Make the application around a loaded model.

    Args:
        predictor: the model.
        settings: limits, token and batch size.

    Returns:
        An ASGI application; its `Service` stands in ``app.state.service``.
    """
    service = Service(predictor, settings or Settings())

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="smearlab",
        version=__version__,
        description=_ABOUT,
        docs_url=None,  # FastAPI's own page loads its parts from another site
        redoc_url=None,
        lifespan=running,
        redirect_slashes=False,
    )
    app.state.service = service
    app.add_middleware(Front, measures=service.measures)
    _add_refusals(app)
    _add_model_routes(app, service)
    _add_state_routes(app, service)
    add_pages(app)
    return app


def _add_model_routes(app: FastAPI, service: Service) -> None:
    """Add what works on pictures."""
    guarded = _guards(service)

    @app.post(
        "/predict",
        dependencies=guarded,
        response_model=answer_model(service.predictor.class_names),
        responses=_refusals(400, 401, 408, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": _pictures_body()},
        response_description="The answer.",
        summary="Name the cells in pictures",
    )
    async def predict(request: Request, thumbnails: Thumbnails = False) -> Response:
        """Answer with one row per picture, in order; one that cannot be read has its error."""
        return JSONResponse(await service.predict(request, thumbnails=thumbnails))

    @app.post(
        "/explain",
        dependencies=guarded,
        response_model=HeatMap,
        responses=_refusals(400, 401, 408, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": _pictures_body()},
        response_description="The answer.",
        summary="Show what a label rests on",
    )
    async def explain(request: Request) -> HeatMap:
        """Cover one place after the other, and see what the label rests on (Zeiler & Fergus 2014)."""
        return await service.explain(request)

    @app.post(
        "/differential",
        dependencies=guarded,
        response_model=Differential,
        responses=_refusals(400, 401, 408, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": {"required": True, "content": {JSON: {"schema": Counts.model_json_schema()}}}},
        response_description="The answer.",
        summary="Report counts as a laboratory does",
    )
    async def count(request: Request) -> Differential:
        """Give leukocytes in per cent of all of them, erythroblasts per 100 of them, with 95 % intervals."""
        with service.admission.request() as ticket:
            given = await read_small_json(request, ticket, service.settings.limits, Counts)
        return differential(given.counts)

    @app.get("/model", dependencies=guarded, responses=_refusals(401), summary="What the model is")
    async def model() -> dict[str, Any]:
        """Give its classes, framing, origin and measured figures, and the server's limits."""
        return service.about()


def _add_state_routes(app: FastAPI, service: Service) -> None:
    """Add what says how the server is."""

    @app.get("/health", responses=_refusals(503), summary="Whether the server takes requests")
    async def health() -> dict[str, str]:
        """Tell a load balancer; needs no token."""
        if service.admission.stopping:
            raise Refusal(503, "stopping", "The server is about to stop.")
        return {"status": "ok"}

    @app.get(
        "/metrics",
        dependencies=_guards(service),
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **_refusals(401)},
        response_description="The answer.",
        summary="Counters for Prometheus",
    )
    async def metrics() -> Response:
        """Give them in Prometheus' text form."""
        return Response(service.measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _guards(service: Service) -> list[Any]:
    """Return what a route asks for the token; nothing, nor a word of it in the description, where there is none."""
    return [] if service.settings.token is None else [Depends(_guard)]


def _guard(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Ask for the token.

    Raises:
        Refusal: 401.
    """
    token = request.app.state.service.settings.token
    if token is not None and not (given and token.matches(given.credentials)):
        message = "This server asks for a token: send the header 'Authorization: Bearer TOKEN'."
        raise Refusal(401, "unauthorised", message, headers={"WWW-Authenticate": "Bearer"})


def _add_refusals(app: FastAPI) -> None:
    """Turn whatever stops a request into a JSON object in words."""

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return error.response()

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fault = error.errors()[0]
        if fault["type"] == "json_invalid":
            return malformed("The body is not valid JSON.").response()
        place = ".".join(str(part) for part in fault["loc"][:2])
        return Refusal(422, "invalid", f"The request is not as it should be at {place}: {fault['msg']}.").response()

    async def failed(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code, message = _STRAY.get(error.status_code, ("refused", "The request cannot be read."))
        headers = dict(error.headers or {})
        return Refusal(error.status_code, code, f"{message} The API is described at /docs.", headers=headers).response()

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, failed)


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe answers that say no."""
    return {status: {"model": ErrorAnswer, "description": _REASONS[status]} for status in statuses}


def _pictures_body() -> dict[str, Any]:
    """Describe the two forms of a body with pictures; FastAPI would describe only what it reads itself."""
    schema = JsonPictures.model_json_schema()
    picture = schema.pop("$defs")["JsonPicture"]
    schema["properties"]["pictures"]["items"] = picture
    file = {"type": "string", "format": "binary"}
    files = {"type": "array", "items": file, "minItems": 1, "description": "The picture files."}
    form = {"type": "object", "properties": {"pictures": files}, "required": ["pictures"]}
    return {"required": True, "content": {MULTIPART: {"schema": form}, JSON: {"schema": schema}}}
