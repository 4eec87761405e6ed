"""The command that serves a model: serve."""

from __future__ import annotations

from pathlib import Path

from smearlab.cli.app import app
from smearlab.errors import require


@app.command
def serve(
    *,
    model: str = "default",
    host: str = "127.0.0.1",
    port: int = 8000,
    token_file: Path | None = None,
    max_picture_mb: float = 20,
    max_request_mb: float = 64,
    max_pictures: int = 256,
    max_megapixels: float = 25,
    max_requests: int = 64,
    upload_seconds: float = 60,
    batch_size: int = 32,
    threads: int | None = None,
    coverage: float = 0.95,
) -> None:
    """Serve a web page and a REST API that name cells. Works without torch; pictures stay in memory.

    Parameters
    ----------
    model
        A model folder, a run folder, or default, the model that ships.
    host
        The address to listen on; 0.0.0.0 for all networks of this machine.
    port
        The port; 0 takes a free one.
    token_file
        A file with the token that requests must bring; else the environment variable SMEARLAB_TOKEN, else none.
    max_picture_mb
        Largest picture file.
    max_request_mb
        Largest request.
    max_pictures
        Most pictures in a request.
    max_megapixels
        Largest picture, in millions of pixels.
    max_requests
        Most requests in work at once; further ones are told to try again.
    upload_seconds
        Longest time for an upload.
    batch_size
        Pictures that are worked on at once.
    threads
        CPU threads of the network; all cores by default.
    coverage
        How often a picture's own class is to be in its prediction set, where the model has such sets.
    """
    for module in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        require(module, "web", "'smearlab serve'")
    from smearlab.deploy.server.running import serve as start
    from smearlab.deploy.server.settings import MIB, Limits, Settings, find_token

    limits = Limits(
        picture_bytes=int(max_picture_mb * MIB),
        request_bytes=int(max_request_mb * MIB),
        pictures=max_pictures,
        pixels=int(max_megapixels * 1_000_000),
        requests=max_requests,
        held_bytes=max(Limits.held_bytes, 4 * int(max_request_mb * MIB)),
        upload_seconds=upload_seconds,
    )
    start(model, host, port, Settings(limits, find_token(token_file), batch_size, coverage), threads)
