"""Commands that show what a model sees: explain, embed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smearlab.cli.app import app


@app.command
def explain(
    model: str,
    pictures: str,
    *,
    out: Path,
    method: str = "gradcam",
    of_class: Annotated[str | None, Parameter(name="--class")] = None,
    layer: str = "",
    refine: bool = True,
    limit: int = 64,
) -> None:
    """Show where a model looks: an overlay for each picture, heat.csv, report.

    Parameters
    ----------
    model
        A model folder, a run folder, or default.
    pictures
        Pictures in any form; labels are not needed.
    out
        The folder to write to: new, or of an earlier explanation.
    method
        gradcam, gradcam++, layercam or occlusion.
    of_class
        The class whose heat is wanted; the model's answer to each picture by default.
    layer
        Of the backbone, as PyTorch names it; by default the last that has a map.
    refine
        Sharpen the map of the deep layer by those of early ones.
    limit
        At most so many pictures, evenly spaced; 0 for all.
    """
    from smearlab.evaluation.explain import ExplainOptions, summary_line
    from smearlab.evaluation.explain import explain as show

    options = ExplainOptions(method, of_class, layer, refine, limit)  # type: ignore[arg-type]
    print(summary_line(show(model, pictures, out, options)))
    print(f"Report: {out / 'report.html'}")


@app.command
def embed(
    model: str, data: str, *, out: Path, method: str = "pca", layer: str = "", limit: int = 0, seed: int = 0
) -> None:
    """Lay a collection out in a plane by what a model sees in it: map.csv, map.png, report.

    Parameters
    ----------
    model
        A model folder, a run folder, or default.
    data
        Pictures in any form; labels colour the map where there are any, the model's answers elsewhere.
    out
        The folder to write to: new, or of an earlier map.
    method
        pca or tsne.
    layer
        Of the backbone, as PyTorch names it; by default the features that the head sees.
    limit
        At most so many pictures, evenly spaced; 0 for all, with tsne up to 5,000.
    seed
        Of tsne.
    """
    from smearlab.evaluation.embed import EmbedOptions
    from smearlab.evaluation.embed import embed as lay_out
    from smearlab.report.map_report import overlap_words
    from smearlab.report.text import left_out

    found = lay_out(model, data, out, EmbedOptions(method, layer, limit, seed))  # type: ignore[arg-type]
    print(f"{found.words}.{left_out(found.unreadable)}\n{overlap_words(found)}")
    print(f"Report: {out / 'report.html'}")
