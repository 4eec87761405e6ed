"""Learning from trained models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.training.tiny_training import DEEPER, StopAt, digest, tiny_cells, tiny_data, tiny_recipe, train_tiny

from smearlab.data.framing import Framing
from smearlab.data.split import Split
from smearlab.errors import ModelError, RecipeError, TrainingInterrupted
from smearlab.training.losses import distillation_loss
from smearlab.training.run_folder import Run
from smearlab.training.teachers import Teacher, Teachers
from smearlab.training.train import initial_network, train_model

CPU = torch.device("cpu")
FRAMING = Framing(size=24, crop="none")
CELLS = tiny_cells(20)
NAMES = CELLS.class_names
PICTURES = torch.from_numpy(np.asarray(CELLS.images)[:12]).permute(0, 3, 1, 2) / 255


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = Run(tmp_path_factory.mktemp("teacher"))
    recipe = tiny_recipe(DEEPER, "phases.0.epochs=6")
    split = Split(np.arange(0, 48), np.arange(48, 60), np.zeros(0, np.int64))
    train_model(initial_network(recipe, 3), CELLS, split, recipe, run)
    return run.path


def test_the_loss_is_pytorchs_divergence_and_0_where_both_agree() -> None:
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    taught = torch.softmax(torch.randn(6, 4, generator=torch.Generator().manual_seed(1)) / 3, dim=1)
    student = torch.softmax(logits / 3, dim=1)
    expected = 9 * (taught * (taught / student).log()).sum(dim=1).mean()
    torch.testing.assert_close(distillation_loss(logits, taught, 3.0), expected)
    assert float(distillation_loss(logits, student, 3.0)) == pytest.approx(0.0, abs=1e-6)


class TestTeacher:
    def test_torch_and_onnx_say_the_same(self, teacher: Path) -> None:
        by_torch = Teacher(str(teacher), NAMES, FRAMING, CPU).probabilities(PICTURES, 2.0)
        moved = teacher.parent / "alone"
        (teacher / "model").rename(moved)  # without its recipe it is run by ONNX Runtime
        try:
            by_onnx = Teacher(str(moved), NAMES, FRAMING, CPU).probabilities(PICTURES, 2.0)
        finally:
            moved.rename(teacher / "model")
        torch.testing.assert_close(by_torch, by_onnx, atol=2e-3, rtol=0)
        assert by_torch.argmax(1).tolist() == CELLS.known_labels[:12].tolist()

    def test_classes_are_matched_by_name(self, teacher: Path) -> None:
        forwards = Teacher(str(teacher), NAMES, FRAMING, CPU).probabilities(PICTURES, 1.0)
        backwards = Teacher(str(teacher), NAMES[::-1], FRAMING, CPU).probabilities(PICTURES, 1.0)
        torch.testing.assert_close(forwards.flip(1), backwards)

    def test_a_teacher_of_another_size_sees_resized_pictures(self, teacher: Path) -> None:
        large = F.interpolate(PICTURES, (48, 48), mode="bilinear")
        answers = Teacher(str(teacher), NAMES, Framing(size=48, crop="auto"), CPU).probabilities(large, 1.0)
        assert answers.shape == (12, 3)
        assert float((answers.argmax(1).numpy() == CELLS.known_labels[:12]).mean()) > 0.8

    def test_several_are_averaged(self, teacher: Path) -> None:
        recipe = tiny_recipe(f"distillation.teachers=['{teacher}', '{teacher}']", "distillation.temperature=3.0")
        one = Teacher(str(teacher), NAMES, FRAMING, CPU).probabilities(PICTURES, 3.0)
        torch.testing.assert_close(Teachers(recipe, NAMES, CPU).probabilities(PICTURES), one)

    def test_an_unknown_class_is_told(self, teacher: Path) -> None:
        with pytest.raises(RecipeError, match="does not know monocyte"):
            Teacher(str(teacher), (*NAMES, "monocyte"), FRAMING, CPU)

    def test_another_crop_is_told(self, teacher: Path) -> None:
        with pytest.raises(RecipeError, match=r"crops pictures by 'none', this recipe by 'centre'"):
            Teacher(str(teacher), NAMES, Framing(size=24, crop="centre", fraction=0.5), CPU)

    def test_another_content_is_told(self, teacher: Path) -> None:
        with pytest.raises(RecipeError, match=r"sees of a picture 'whole', this recipe 'nucleus'"):
            Teacher(str(teacher), NAMES, Framing(size=24, crop="none", content="nucleus"), CPU)

    def test_a_missing_model_is_told(self) -> None:
        with pytest.raises(ModelError, match="There is no model folder"):
            Teacher("no/such/teacher", NAMES, FRAMING, CPU)


class TestStudent:
    def test_it_learns_without_a_label(self, teacher: Path, tmp_path: Path) -> None:
        """At weight 1 the labels count for nothing, and the student nevertheless names the cells."""
        taught = ("distillation.weight=1.0", f"distillation.teachers=['{teacher}']", "phases.0.epochs=10")
        rows = train_tiny(tmp_path, tiny_recipe(*taught)).progress.history
        assert max(row["validation_balanced_accuracy"] for row in rows) > 0.8

    def test_a_resumed_student_ends_alike(self, teacher: Path, tmp_path: Path) -> None:
        recipe = tiny_recipe(f"distillation.teachers=['{teacher}']", "augment.policy=light", "augment.mixup=0.4")
        whole = train_tiny(tmp_path / "whole", recipe, tiny_data())
        with pytest.raises(TrainingInterrupted):
            train_tiny(tmp_path / "stopped", recipe, tiny_data(), display=StopAt(4))
        assert digest(train_tiny(tmp_path / "stopped", recipe, tiny_data()).weights) == digest(whole.weights)
