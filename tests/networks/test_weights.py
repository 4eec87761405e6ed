"""Starting weights: local files round trip, and everything else is refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from tests.networks.hub_stand_in import cache_model, use_hub_cache
from tests.networks.tiny_network import NARROW, SIZE, tiny_network

from smearlab.errors import RecipeError
from smearlab.networks.build import CellNetwork, build_network
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.joining import backbone_parts


def started_from(path: Path | str, network: NetworkConfig = NARROW) -> CellNetwork:
    return build_network(network.model_copy(update={"weights": str(path)}), HeadConfig(), 5, size=SIZE)


def same_backbone(first: CellNetwork, second: CellNetwork) -> bool:
    pairs = zip(first.backbone.state_dict().values(), second.backbone.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def save(state: object, path: Path) -> Path:
    if path.suffix == ".safetensors":
        assert isinstance(state, dict)
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth", "weights.pt"])
def test_a_backbone_file_round_trips(tmp_path: Path, name: str) -> None:
    source = tiny_network(seed=7)
    path = save(source.backbone.state_dict(), tmp_path / name)
    assert not same_backbone(source, tiny_network(seed=8))
    assert same_backbone(source, started_from(path))


def test_the_weights_of_a_model_folder_start_another_network(tmp_path: Path) -> None:
    source = tiny_network(HeadConfig(layers=(4,)), seed=7)
    assert same_backbone(source, started_from(save(source.state_dict(), tmp_path / "weights.safetensors")))


@pytest.mark.parametrize("backbone", ["test_convnext", "test_efficientnet", "test_vit"])
def test_a_file_with_a_classifier_fits_its_backbone(tmp_path: Path, backbone: str) -> None:
    whole = timm.create_model(backbone, num_classes=7, global_pool="avg")
    path = save(whole.state_dict(), tmp_path / "whole.pth")
    network = build_network(NetworkConfig(backbone=backbone, weights=str(path)), HeadConfig(), 2, size=SIZE)
    own = network.backbone.state_dict()
    assert own
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in own.items())


@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_common_wrappings_are_opened(tmp_path: Path, key: str) -> None:
    source = tiny_network(seed=7)
    inner = {f"module.{name}": value for name, value in source.backbone.state_dict().items()}
    assert same_backbone(source, started_from(save({key: inner, "epoch": 3}, tmp_path / "checkpoint.pth")))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"there is no file .*nothing\.pth.*'none', 'pretrained' or a path"):
        started_from(tmp_path / "nothing.pth")


def test_another_shape_is_refused_and_counted(tmp_path: Path) -> None:
    wide = NARROW.model_copy(update={"options": {"channels": [8, 8, 8, 16]}})
    path = save(tiny_network(network=wide).backbone.state_dict(), tmp_path / "wide.pth")
    with pytest.raises(RecipeError, match=r"wide\.pth does not fit.* 0 are missing and \d+ have another shape"):
        started_from(path)


def test_missing_tensors_are_refused(tmp_path: Path) -> None:
    state = tiny_network().backbone.state_dict()
    del state["conv1.weight"]
    with pytest.raises(RecipeError, match=r"1 are missing .*'conv1\.weight'"):
        started_from(save(state, tmp_path / "part.safetensors"))


class Intruder:
    """An object whose unpickling would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("open('ran', 'w')",)


def test_pickled_objects_are_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = save({"conv1.weight": Intruder()}, tmp_path / "model.pth")
    with pytest.raises(RecipeError, match=r"model\.pth is no file of plain tensors.*Save only the state_dict"):
        started_from(path)
    assert not Path("ran").exists()


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"conv1.weight": 3}, {"state_dict": {"a": "b"}}])
def test_something_else_than_named_tensors_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(RecipeError, match="is not a dictionary of named tensors"):
        started_from(save(content, tmp_path / "other.pth"))


@pytest.mark.parametrize("name", ["junk.pth", "junk.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not a weight file at all, only words"])
def test_damaged_files_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=rf"network\.weights: {name} is no "):
        started_from(path)


class TestPretrained:
    SMALL, OTHER = "test_efficientnet", "test_convnext"

    @pytest.fixture
    def hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        use_hub_cache(monkeypatch, tmp_path)
        return tmp_path

    def build(self, backbone: str = SMALL, **network: Any) -> CellNetwork:
        config = NetworkConfig(backbone=backbone, weights="pretrained", **network)
        return build_network(config, HeadConfig(), 3, size=SIZE)

    def test_what_lies_in_the_cache_is_loaded_without_a_connection(self, hub: Path) -> None:
        source = timm.create_model(self.SMALL)
        cache_model(hub, self.SMALL, source)
        own = self.build().backbone.state_dict()
        assert own
        assert all(torch.equal(value, source.state_dict()[name]) for name, value in own.items())

    def test_each_of_several_backbones_gets_its_own(self, hub: Path) -> None:
        sources = [timm.create_model(name) for name in (self.SMALL, self.OTHER)]
        for name, source in zip((self.SMALL, self.OTHER), sources, strict=True):
            cache_model(hub, name, source)
        parts = backbone_parts(self.build(further=(self.OTHER,)).backbone)
        assert len(parts) == 2
        for part, source in zip(parts, sources, strict=True):
            assert all(torch.equal(value, source.state_dict()[name]) for name, value in part.state_dict().items())

    def test_without_a_connection_it_says_what_to_do_at_once(self, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        create = timm.create_model
        monkeypatch.setattr(timm, "create_model", lambda *_, pretrained=False, **options: create(*_, **options))
        with pytest.raises(RecipeError, match=r"of test_efficientnet could not be downloaded .*no connection") as told:
            self.build()
        assert "fetch https://huggingface.co/timm/test_efficientnet.r160_in1k/resolve/main/model.saf" in str(told.value)
        assert "network.weights to 'none'" in str(told.value)

    def test_a_download_that_fails_is_told_in_one_line(self, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        create = timm.create_model

        def broken(name: str, pretrained: bool = False, **options: Any) -> object:
            if pretrained:
                raise ConnectionError("Max retries exceeded\nwith many more lines")
            return create(name, **options)

        monkeypatch.setattr("smearlab.networks.weights.hub_is_out_of_reach", lambda: False)
        monkeypatch.setattr(timm, "create_model", broken)
        with pytest.raises(RecipeError, match=r"could not be downloaded \(Max retries exceeded\)\. Go online once"):
            self.build()

    def test_options_of_another_network_are_named(self, hub: Path) -> None:
        cache_model(hub, "resnet18", timm.create_model("resnet18"))
        with pytest.raises(RecipeError, match=r"network\.options .*channels.* another network of resnet18"):
            self.build("resnet18", options={"channels": [8, 8, 8, 8]})

    def test_a_network_without_pretrained_weights_is_named(self) -> None:
        with pytest.raises(RecipeError, match=r"There are no pretrained weights of smearlab/plain_cnn\. Set network"):
            self.build("smearlab/plain_cnn", options={"channels": [4]})

    def test_trained_weights_to_come_need_no_download(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("smearlab.networks.build.load_backbone_weights", pytest.fail)
        config = NARROW.model_copy(update={"weights": "pretrained"})
        build_network(config, HeadConfig(), 3, size=SIZE, load_weights=False)
