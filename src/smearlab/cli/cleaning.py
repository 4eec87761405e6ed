"""Commands that clean data: audit, apply."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from smearlab.cli.app import Flag, app


@app.command
def audit(
    data: str,
    *,
    out: Path,
    quick: Annotated[bool, Flag] = False,
    model: str = "default",
    policy: str = "conservative",
    truncate: int | None = None,
    folds: int = 5,
    judge: str | None = None,
    train: Annotated[bool, Flag] = False,
    epochs: int | None = None,
    seed: int = 0,
) -> None:
    """Find what is wrong with labelled pictures: copies, junk, unreadable ones, wrong labels. Changes nothing.

    Parameters
    ----------
    data
        As for run.
    out
        The folder to write to: new, or of an earlier audit.
    quick
        Look at pixels and the model's features only, not at labels: a minute, and without torch.
    model
        A model folder, a run folder, or default; its features tell cells from other things.
    policy
        conservative (drop what is certain), strict (also what is probable) or none.
    truncate
        Keep only so many of the first rows.
    folds
        Parts of the cross-validation that judges labels.
    judge
        Where the judges of labels start from: a model, a file of weights, or scratch; the model by default.
    train
        Judge labels by networks trained here too, also where the model may judge them alone.
    epochs
        Of these networks; what a fixed budget affords by default.
    seed
        Of folds and trainings.
    """
    from smearlab.audit.audit import audit as look
    from smearlab.audit.folder import MANIFEST, REPORT

    found = look(
        data,
        out,
        quick=quick,
        model=model,
        policy=policy,
        truncate=truncate,
        folds=folds,
        judge=judge,
        train=train or None,
        epochs=epochs,
        seed=seed,
    )
    print("\n".join(found.words()))
    print(f"Report:   {out / REPORT}\nManifest: {out / MANIFEST} (edit it, here or in the report)")
    follow = ["smearlab", "train", data, "--manifest", out / MANIFEST, "--recipe", "standard"]
    print(f"Next:     {shlex.join(map(str, [*follow, '--out', Path('runs', out.name)]))}")


@app.command
def apply(data: str, *, manifest: Path, out: Path) -> None:
    """Write a cleaned copy of data, as a manifest says; the original stays as it is.

    Parameters
    ----------
    data
        The data that the manifest was made for.
    manifest
        The manifest.csv of an audit, edited or not.
    out
        What to write: a .npz, .parquet or .csv file, or a folder for class folders; it must not exist yet.
    """
    from smearlab.audit.apply import apply_manifest

    done = apply_manifest(data, manifest, out)
    print("\n".join(done.words()))
    print(f"Written: {done.out}")
