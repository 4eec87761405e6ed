"""The work behind the routes: from a request to an answer, through admission, decoding and the batcher."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from fastapi import Request

from smearlab.celltypes import colour, title
from smearlab.data.cells import UInt8Array
from smearlab.data.loading import threads_at_hand
from smearlab.deploy.server.admission import Admission, Ticket
from smearlab.deploy.server.answers import DIGITS, HeatMap, Row, differential, label_counts, rows_of
from smearlab.deploy.server.batching import SHARE, Batcher
from smearlab.deploy.server.measures import Measures
from smearlab.deploy.server.occlusion import STEPS, coloured, covered, data_url, grid_of, heat, log_odds
from smearlab.deploy.server.pictures import framed
from smearlab.deploy.server.reading import read_uploads
from smearlab.deploy.server.refusal import Refusal
from smearlab.deploy.server.settings import Settings
from smearlab.deploy.server.upload import Fault, Upload
from smearlab.inference.predictor import Predictions, Predictor

DECODERS = max(2, min(4, threads_at_hand()))
"""Threads that decode. Each may hold a picture of the largest size, so more would take memory without bound."""


class Service:
    """One model and all that is in work for it.

    Attributes:
        predictor: the loaded model.
        settings: limits, token and batch size.
        admission: who may come in.
        measures: the counters.
        batcher: the way to the network.
        coverage: of the prediction sets; None where the model has none.
    """

    def __init__(self, predictor: Predictor, settings: Settings) -> None:
        """Make ready to work.

        Raises:
            DataError: the model has prediction sets, but not for the coverage wanted.
        """
        self.predictor = predictor
        self.settings = settings
        self.admission = Admission(settings.limits)
        self.measures = Measures(predictor.class_names, self.admission)
        waiting = settings.limits.waiting
        self.batcher = Batcher(predictor, settings.batch_size, waiting, self.measures.batches.observe)
        self.coverage = settings.coverage if predictor.folder.trust.conformal_quantiles is not None else None
        self._sets(predictor.predict([]))
        self._decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="decode")

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self.batcher.start()

    async def stop(self) -> None:
        """Stop; requests should have been finished before."""
        await self.batcher.stop()
        self._decoders.shutdown()

    async def predict(self, request: Request, *, thumbnails: bool = False) -> dict[str, Any]:
        """Answer ``POST /predict``.

        Raises:
            Refusal: the request cannot be read, or none of its pictures can.
        """
        with self.admission.request() as ticket:
            uploads = await read_uploads(request, ticket, self.settings.limits)
            request.scope["pictures"] = len(uploads)
            pictures = await self._framed(uploads)
            usable = [picture for picture in pictures if not isinstance(picture, Fault)]
            predictions = await self.batcher.predict(usable)
        faults = [picture if isinstance(picture, Fault) else None for picture in pictures]
        rows = rows_of(uploads, faults, predictions, self._sets(predictions))
        if thumbnails:
            _add_thumbnails(rows, pictures)
        self.measures.count_rows(rows)
        if not usable:
            raise unusable([fault for fault in faults if fault is not None], rows)
        names = self.predictor.class_names
        counted = differential(label_counts(rows, names)).model_dump()
        return {"model": self.predictor.info.name, "predictions": rows, "differential": counted}

    async def explain(self, request: Request) -> HeatMap:
        """Answer ``POST /explain``: an occlusion heat map of one picture.

        Raises:
            Refusal: the request or its picture cannot be read, or enough heat maps are being made.
        """
        with self.admission.request() as ticket, self.admission.explanation():
            upload, picture = await self._one_picture(request, ticket)
            return await self._heat_map(upload, picture)

    def about(self) -> dict[str, Any]:
        """Answer ``GET /model``: what the model is, and what the server takes. Nothing about the machine's files."""
        info, limits = self.predictor.info, self.settings.limits
        return {
            "name": info.name,
            "classes": [
                {"name": name, "title": title(name), "colour": colour(name, position)}
                for position, name in enumerate(info.class_names)
            ],
            "network": info.network.model_dump(),
            "framing": info.framing.model_dump(),
            "is_cell": info.is_cell.model_dump(),
            "coverage": self.coverage,
            "provenance": info.provenance.model_dump(mode="json", exclude={"operations"}),
            "limits": {
                name: getattr(limits, name)
                for name in ("picture_bytes", "request_bytes", "pictures", "pixels", "side", "requests")
            },
        }

    def _sets(self, predictions: Predictions) -> list[tuple[str, ...]] | None:
        return None if self.coverage is None else predictions.prediction_sets(self.coverage)

    async def _framed(self, uploads: list[Upload]) -> list[UInt8Array | Fault]:
        loop, framing, limits = asyncio.get_running_loop(), self.predictor.framing, self.settings.limits
        # One thread is always left to others, however many large pictures this request brings.
        turns = asyncio.Semaphore(DECODERS - 1)

        async def one(upload: Upload) -> UInt8Array | Fault:
            async with turns:
                return await loop.run_in_executor(self._decoders, framed, upload, framing, limits)

        return list(await asyncio.gather(*(one(upload) for upload in uploads)))

    async def _one_picture(self, request: Request, ticket: Ticket) -> tuple[Upload, UInt8Array]:
        uploads = await read_uploads(request, ticket, self.settings.limits)
        if len(uploads) > 1:
            raise Refusal(422, "invalid", f"A heat map is of one picture, but the request has {len(uploads)}.")
        (picture,) = await self._framed(uploads)
        if isinstance(picture, Fault):
            raise unusable([picture])
        return uploads[0], picture

    async def _heat_map(self, upload: Upload, picture: UInt8Array) -> HeatMap:
        covers = await asyncio.to_thread(covered, picture)
        whole = await self.batcher.predict([picture])
        label = int(whole.label_indices[0])
        # Some at a time, so that pictures of other requests come in between.
        parts = [
            (await self.batcher.predict(covers.pictures[start : start + SHARE])).probabilities
            for start in range(0, len(covers.pictures), SHARE)
        ]
        after = np.concatenate(parts)
        found = heat(covers, len(picture), float(log_odds(whole.probabilities, label)[0]), log_odds(after, label))
        confidence = float(whole.confidence[0])
        return HeatMap(
            source=upload.source,
            label=str(whole.labels[0]),
            confidence=round(confidence, DIGITS),
            lowest_confidence=round(min(confidence, float(after[:, label].min())), DIGITS),
            grid=grid_of(found, STEPS),
            picture=data_url(picture),
            overlay=data_url(coloured(found)),
        )


def unusable(faults: list[Fault], rows: list[Row] | None = None) -> Refusal:
    """Refuse a request of which no picture can be used, by the fault they share."""
    alike = len({fault.code for fault in faults}) == 1
    status, code = (faults[0].status, faults[0].code) if alike else (422, "unreadable")
    if len(faults) == 1:
        message = f"The picture cannot be used: {faults[0].message}."
    else:
        message = f"None of the {len(faults)} pictures can be used; the first: {faults[0].message}."
    return Refusal(status, code, message, details={} if rows is None else {"predictions": rows})


def _add_thumbnails(rows: list[Row], pictures: list[UInt8Array | Fault]) -> None:
    for row, picture in zip(rows, pictures, strict=True):
        row["thumbnail"] = None if isinstance(picture, Fault) else data_url(picture)
