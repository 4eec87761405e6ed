"""One cell of a study: train its network, or ask those that others trained, and write what came of it."""

from __future__ import annotations

import io
import shutil
import time
from contextlib import redirect_stderr
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.data.atomic import atomic_path, write_json
from smearlab.data.cells import Cells
from smearlab.data.framing import frame_pictures
from smearlab.errors import SmearlabError, TrainingInterrupted
from smearlab.evaluation.studies.answers import Answers, ask, seen_whole
from smearlab.evaluation.studies.derived import answerer_of
from smearlab.evaluation.studies.refining import refined
from smearlab.evaluation.studies.revision import device_name, revision
from smearlab.inference.model_folder import WEIGHTS
from smearlab.networks.build import count_parameters
from smearlab.networks.preparing import prepare_network
from smearlab.training.averaging import estimate_batch_norm, mean_weights
from smearlab.training.batches import BatchMaker
from smearlab.training.devices import make_accelerator
from smearlab.training.display import Display
from smearlab.training.job import TrainingData
from smearlab.training.local_weights import locate_weights
from smearlab.training.loop import fit
from smearlab.training.recipe_io import load_recipe, recipe_toml, save_recipe
from smearlab.training.run_folder import Run
from smearlab.training.state import LAST, load_weights, run_key
from smearlab.training.teachers import trained_network
from smearlab.training.train import export_run, initial_network
from smearlab.training.validation import predict_logits
from smearlab.training.warm_up import warm_up

if TYPE_CHECKING:
    from smearlab.data.cells import IntArray, UInt8Array
    from smearlab.evaluation.studies.answers import Answerer
    from smearlab.evaluation.studies.folder import StudyFolder
    from smearlab.evaluation.studies.material import Material
    from smearlab.evaluation.studies.plan import Task
    from smearlab.networks.build import CellNetwork
    from smearlab.training.job import FitResult
    from smearlab.training.recipe import Recipe


def do_task(folder: StudyFolder, material: Material, task: Task, *, keep_model: bool) -> None:
    """Do one task and write its files: the answers first, then the facts, which mark it as done.

    Args:
        folder: of the study.
        material: the pictures.
        task: what to do.
        keep_model: write the model folder too, because other cells rest on it.

    Raises:
        TrainingInterrupted: the user stopped it; the training's state is saved.
        TrainingError: the training failed; of a system, that is written down instead.
    """
    begun = time.monotonic()
    if not keep_model and folder.take_from_store(task):
        return
    try:
        answers, more = _do(folder, material, task, keep_model=keep_model)
    except TrainingInterrupted:
        raise
    except (SmearlabError, RuntimeError) as error:  # torch's own among them, such as too little memory of a GPU
        if not task.system:
            raise
        folder.write_failure(task, str(error))
        return
    with atomic_path(folder.answers(task)) as temporary:
        answers.save(temporary)
    facts = {
        "cell": task.cell.name,
        "seed": task.seed,
        "overrides": list(task.overrides),
        "clean": float(answers.clean.mean()),
        "altered": float(answers.altered.mean()),
        "seconds": time.monotonic() - begun,
        **more,
    }
    write_json(folder.facts(task), facts)
    folder.put_into_store(task)
    shutil.rmtree(folder.work(task), ignore_errors=True)


def _do(folder: StudyFolder, material: Material, task: Task, *, keep_model: bool) -> tuple[Answers, dict[str, Any]]:
    """Return the answers of a task, and what else is to be known about it."""
    if task.cell.trains:
        return _train(folder, material, task, keep_model=keep_model)
    more = {"digest": task.digest} if task.system else {}
    if task.cell.how == "soup":
        return _stir(folder, material, task), more
    answer, framing = answerer_of(task.cell, [folder.network(name, task.seed) for name in task.cell.of])
    return ask(answer, material, framing), more


def recipe_of(folder: StudyFolder, task: Task) -> Recipe:
    """Return the recipe of a task; what it learns from is set here, as only now the folders are known."""
    overrides = list(task.overrides)
    if task.cell.how == "distilled":
        teachers = [f'"{folder.network(name, task.seed).path.resolve().as_posix()}"' for name in task.cell.of]
        overrides.append(f"distillation.teachers=[{', '.join(teachers)}]")
    recipe = load_recipe(task.cell.recipe or folder.base, [*overrides, f"precision.mode={folder.precision}"])
    return locate_weights(recipe, folder.data)


def _train(folder: StudyFolder, material: Material, task: Task, *, keep_model: bool) -> tuple[Answers, dict[str, Any]]:
    recipe = recipe_of(folder, task)
    data = _training_data(material, recipe, validated=task.system)
    network = initial_network(recipe, len(material.class_names))
    if task.cell.how == "refined":
        data = replace(data, train=refined(network, data.images, data.labels, data.train))
    prepare_network(network, recipe.network, data.images, data.train)
    work = folder.work(task)
    if recipe.warm_up.epochs and not (work / LAST).is_file():
        with redirect_stderr(io.StringIO()):
            warm_up(network, data.images, data.train, recipe, work, data.key)
    fitted = fit(network, data, recipe, work, Display(1, shown=False), lambda rows: None)
    if keep_model:
        _export(fitted, data, material, recipe, folder.network(task.cell.name, task.seed))
    trained = trained_network(recipe, fitted.weights, len(material.class_names))
    framing = seen_whole(recipe.framing)
    answers = ask(_torch_answerer(trained, recipe, len(material.class_names)), material, framing)
    return answers, _facts_of(task, fitted, trained, len(data.train), folder.precision) if task.system else {}


def _facts_of(task: Task, fitted: FitResult, network: CellNetwork, pictures: int, precision: str) -> dict[str, Any]:
    progress = fitted.progress
    return {
        "digest": task.digest,
        "parameters": count_parameters(network),
        "pictures": pictures,
        "epochs": progress.epochs_done,
        "best_epoch": progress.best_epoch,
        "training_seconds": progress.seconds,
        "device": device_name(),
        "precision": precision,
        "revision": revision(),
        "history": progress.history,
    }


def _stir(folder: StudyFolder, material: Material, task: Task) -> Answers:
    """Average the weights of several networks, all of the first one's recipe but for what leaves its form alone."""
    runs = [folder.network(name, task.seed) for name in task.cell.of]
    recipe = load_recipe(runs[0].recipe)
    weights = mean_weights([load_weights(run.model / WEIGHTS) for run in runs])
    stirred = trained_network(recipe, weights, len(material.class_names))
    batches = BatchMaker(_training_data(material, recipe), recipe, make_accelerator(recipe))
    estimate_batch_norm(stirred, batches, recipe)
    return ask(_torch_answerer(stirred, recipe, len(material.class_names)), material, seen_whole(recipe.framing))


def _training_data(material: Material, recipe: Recipe, *, validated: bool = False) -> TrainingData:
    """Return the training part; validation pictures only where they are wanted, for they cost time."""
    images, train = frame_pictures(material.images, seen_whole(recipe.framing)), np.arange(material.train)
    needed = validated or recipe.selection.keep == "best" or recipe.averaging.wise_ft
    chosen = material.validation if needed else 0
    validation = np.arange(material.train, material.train + chosen)
    key = run_key(recipe_toml(recipe), material.folder.name)
    return TrainingData(images, material.labels, train, validation, material.class_names, key)


def _torch_answerer(network: CellNetwork, recipe: Recipe, classes: int) -> Answerer:
    accelerator = make_accelerator(recipe)
    network = network.to(accelerator.device).eval()

    def answer(images: UInt8Array) -> IntArray:
        logits = predict_logits(network, images, np.arange(len(images)), accelerator, classes)
        return np.asarray(logits.argmax(1), np.int64)

    return answer


def _export(fitted: FitResult, data: TrainingData, material: Material, recipe: Recipe, run: Run) -> None:
    """Write a run folder with recipe and model, as far as other cells need one."""
    names = np.array([str(row) for row in range(len(data.images))])
    cells = Cells(data.images, data.labels, names, data.class_names, np.arange(len(names)), name=material.name)
    run.path.mkdir(parents=True, exist_ok=True)
    save_recipe(recipe, run.recipe)
    with redirect_stderr(io.StringIO()):
        export_run(fitted, data, cells, recipe, run)
    run.forget_checkpoints()
