"""The command line: help, mistakes in one message with status 2, and nothing heavy before it is needed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smearlab import __version__
from smearlab.__main__ import main
from smearlab.cli import PREDICT_OPTIONS
from smearlab.errors import TrainingInterrupted

COMMANDS = (
    "run",
    "train",
    "evaluate",
    "stress",
    "predict",
    "recipes",
    "compare",
    "augment",
    "study",
    "audit",
    "apply",
    "serve",
    "kfold",
    "tune",
    "export",
    "differential",
    "trust",
    "shift",
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=300, env=environment, check=False
    )


def write_classes(folder: Path, names: tuple[str, ...] = ("basophil", "monocyte"), each: int = 6) -> Path:
    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(each):
            picture = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder


class TestHelp:
    def test_all_commands_are_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--help"]) == 0
        shown = capsys.readouterr().out
        assert all(re.search(rf"\b{command}\b", shown) for command in COMMANDS)

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_explains_itself(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([command, "--help"]) == 0
        captured = capsys.readouterr()
        assert f"smearlab {command}" in captured.out
        assert captured.err == ""

    def test_every_option_has_a_description(self, capsys: pytest.CaptureFixture[str]) -> None:
        main(["run", "--help"])
        shown = capsys.readouterr().out
        for option, words in (("--set", "section.key=value"), ("--resume", "Go on with"), ("--out", "run folder")):
            assert option in shown
            assert words in shown
        assert "--no-resume" not in shown

    def test_the_version_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--version"]) == 0
        assert __version__ in capsys.readouterr().out

    def test_recipes_are_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["recipes"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert {"quick", "standard"} <= {line.split()[0] for line in lines}
        assert all(len(line.split()) > 3 for line in lines)


class TestMistakes:
    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("trian cells --out x", 'Did you mean "train"'),
            ("fly", "fly"),
            ("train cells --recipe quick", "--out"),
            ("train --out x", "(?i)data"),
            ("run nowhere --outt x", "--out"),
            ("run nowhere extra --out x", "extra"),
            ("predict nothing.png --out x.csv --batch-size many", "batch-size"),
            ("predict --colour red --out x.csv", "--colour"),
            ("predict cells --ot x.csv", "Did you mean '--out'"),
            ("predict cells --out x.csv --modle=default", "Did you mean '--model'"),
            ("predict nothing.png --out x.csv", "nothing.png"),
            ("predict cells --out x.csv --model defualt", "Did you mean 'default'"),
            ("predict cells --out file/below.csv", "file is a file, not a folder"),
            ("predict notthere.jpg --out x.csv", "also a picture"),
            ("evaluate default cells --out file", "file is a file"),
            ("predict nothing.png --out x.csv --model nowhere", "nowhere"),
            ("predict --out x.csv", "(?i)picture"),
            ("evaluate nowhere cells --out x", "nowhere"),
            ("evaluate default cells --out x --tta flip", "Did you mean 'flips'"),
            ("evaluate default cells --out x --adapt-norm many", "adapt-norm"),
            ("stress nowhere cells --out x", "nowhere"),
            ("stress default cells", "--out"),
            ("stress default bare --suite scale --out x", "bare"),
            ("stress default other --suite scale --out x", "The model knows"),
            ("stress default loose --suite scale --out x", "no labels"),
            ("stress default cells --suite scales --out x", "Did you mean 'scale'"),
            ("stress default cells --suite scale --severities 7 --out x", "no severity 7"),
            ("stress default cells --suite scale --out file", "file is a file"),
            ("stress default cells --suite scale --out full", "no stress test has written"),
            ("stress default cells --suite scale --part test --out x", "nobody knows its test part"),
            ("stress default cells --suite scale --size 28 --out x", "give 96 or 224"),
            ("stress default cells --suite scale --limit few --out x", "--limit"),
            ("audit cells", "--out"),
            ("audit nowhere --out x --quick", "nowhere"),
            ("audit loose --out x --quick", "no labels"),
            ("audit cells --out x --policy stricct", "Did you mean 'strict'"),
            ("audit cells --out x --model defualt", "Did you mean 'default'"),
            ("audit cells --out x --truncate 0 --quick", "--truncate 0"),
            ("audit cells --out full --quick", "no audit has written"),
            ("audit cells --out file --quick", "file is a file"),
            ("apply cells --manifest no.csv --out x", "no manifest no.csv"),
            ("apply cells --manifest file --out x", "no column 'row'"),
            ("apply cells --manifest file --out cells", "exists already"),
            ("train cells --recipe quick --out x --manifest no.csv", "no manifest no.csv"),
            ("run nowhere --out x", "nowhere"),
            ("run nowhere.npz --out x", r"nowhere\.npz"),
            ("run cells --recipe standart --out x", "Did you mean 'standard'"),
            ("run cells --recipe no.toml --out x", r"no\.toml"),
            ("run cells --out x --set sede=1", "Did you mean 'seed'"),
            ("run cells --out x --set phases.0.epochs=none", r"phases\.0\.epochs"),
            ("run cells --out x --set augment.policy=flip", "(?s)--set.*Did you mean 'flips'"),
            ("run cells --out x --resume", "holds no run to resume"),
            ("run cells --resume", "no run of cells"),
            ("run cells --recipe quick --out file", "is a file"),
            ("run cells --recipe quick --out file/below", "file/below"),
            ("run cells --recipe quick --out full", "already exists and is not empty"),
            ("run file --recipe quick --out x", "file"),
            ("run one_class --recipe quick --out x", "basophil"),
            ("run bare --recipe quick --out x", "bare"),
        ],
    )
    def test_one_message_and_status_two(self, line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
        write_classes(Path("cells"))
        write_classes(Path("one_class"), ("basophil",))
        write_classes(Path("other"), ("blast", "smudge"))
        (write_classes(Path("loose"), ("monocyte",)) / "monocyte/0.png").rename("loose/0.png")
        shutil.rmtree("loose/monocyte")
        Path("bare").mkdir()
        Path("full").mkdir()
        Path("full/notes.txt").write_text("mine")
        Path("file").write_text("no pictures")
        status = main(line.split())
        captured = capsys.readouterr()
        assert status == 2, captured
        assert re.search(told, captured.err), captured.err
        assert captured.err.count("smearlab: ") == 1
        assert "Traceback" not in captured.err
        assert captured.out == ""
        assert not Path("x.csv").exists()

    def test_options_of_the_recipe_may_be_given_together(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_classes(Path("cells"))
        overrides = ["--set", "sede=1", "ema.dekay=0.5", "--set", "phases.0.epoch=3"]
        assert main(["run", "cells", "--out", "x", *overrides]) == 2
        told = capsys.readouterr().err
        assert all(meant in told for meant in ("'seed'", "'decay'", "'epochs'"))

    @pytest.mark.parametrize("command", [["run", ""], ["predict", "", "--out", "x.csv"]])
    def test_an_empty_argument_is_not_this_folder(self, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        write_classes(Path())
        assert main(command) == 2
        assert "Is a variable not set?" in capsys.readouterr().err
        assert sorted(path.name for path in Path().iterdir()) == ["basophil", "monocyte"]

    def test_one_picture_is_not_told_as_many(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_classes(Path("cells"))
        assert main(["predict", "cells/basophil/0.png", "--out", "x.csv"]) == 0
        assert capsys.readouterr().out.startswith("1 picture: ")

    def test_all_options_of_predict_may_be_meant(self, capsys: pytest.CaptureFixture[str]) -> None:
        main(["predict", "--help"])
        shown = capsys.readouterr().out
        assert set(re.findall(r"--[a-z][a-z-]+", shown)) - {"--pictures"} == {*PREDICT_OPTIONS} - {"--help"}

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [(["run", "nowhere", "--out", "x"], "nowhere"), (["fly"], "fly"), (["run", "--set"], "--set")],
    )
    def test_the_process_ends_the_same_way(self, arguments: list[str], told: str) -> None:
        done = python("-m", "smearlab", *arguments)
        assert done.returncode == 2, done
        assert re.search(told, done.stderr)
        assert "Traceback" not in done.stderr

    def test_a_faulty_program_is_not_taken_for_a_users_mistake(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*arguments: object, **options: object) -> None:
            raise KeyError("a programming error")

        monkeypatch.setattr("smearlab.training.recipe_io.shipped_recipes", broken)
        with pytest.raises(KeyError, match="programming"):
            main(["recipes"])


class TestEnds:
    def fail_with(self, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
        def run(*arguments: object, **options: object) -> None:
            raise error

        monkeypatch.setattr("smearlab.pipeline.run", run)
        return main(["run"])

    def test_an_interrupted_training_says_how_to_go_on(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.fail_with(TrainingInterrupted("Stopped. Add --resume."), monkeypatch) == 130
        assert capsys.readouterr().err == "Stopped. Add --resume.\n"

    def test_ctrl_c_elsewhere_is_no_traceback(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.fail_with(KeyboardInterrupt(), monkeypatch) == 130
        assert capsys.readouterr().err == "smearlab: stopped.\n"

    def test_a_full_disk_is_named(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.fail_with(OSError(28, "No space left on device", "runs/demo/last.pt"), monkeypatch) == 2
        assert "runs/demo/last.pt: No space left on device" in capsys.readouterr().err

    def test_a_missing_library_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        error = ModuleNotFoundError("No module named 'timm.layers'", name="timm.layers")
        assert self.fail_with(error, monkeypatch) == 2
        assert "pip install 'smearlab[train]'" in capsys.readouterr().err

    def test_a_reader_that_goes_away_is_no_fault(self) -> None:
        with subprocess.Popen(
            [sys.executable, "-m", "smearlab", "recipes"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 0

    def test_what_was_half_written_goes_when_the_system_ends_it(self, tmp_path: Path) -> None:
        """Standard input is never closed, so that the command is in the middle of writing when the signal comes."""
        Image.new("RGB", (96, 96), "plum").save(tmp_path / "cell.png")
        arguments = [sys.executable, "-m", "smearlab", "predict", "-", "--out", str(tmp_path / "named.csv")]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            process.stdin.write(f"{tmp_path / 'cell.png'}\n" * 200)
            process.stdin.flush()
            wait_until(lambda: any(tmp_path.glob(".tmp-*")), process)
            process.terminate()
            assert process.wait(60) == 143
            assert process.stderr is not None
            assert process.stderr.read() == "smearlab: stopped.\n"
        assert [path.name for path in tmp_path.iterdir()] == ["cell.png"]

    def test_another_missing_module_is_a_fault(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ModuleNotFoundError):
            self.fail_with(ModuleNotFoundError("No module named 'smearlab.gone'", name="smearlab.gone"), monkeypatch)


def wait_until(there: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert process.poll() is None, "the process ended by itself"
        assert time.monotonic() < deadline, "nothing was begun in a minute"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "modules",
    [
        "smearlab",
        "smearlab.cli",
        "smearlab.data.read, smearlab.inference.predict, smearlab.report.page, smearlab.metrics",
    ],
)
def test_no_torch_before_training(modules: str) -> None:
    heavy = "{'torch', 'torchvision', 'timm', 'accelerate'}"
    done = python("-c", f"import {modules}, sys; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.strip() == "[]", done.stderr
