"""A framing inside an ONNX graph gives the same bytes as Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image
from tests.deploy.networks import pictures

from smearlab.data.framing import Framing, frame_picture
from smearlab.deploy.bundled.pixels import cut_out, resized
from smearlab.deploy.framing_graph import KERNELS, can_be_inside, with_framing
from smearlab.deploy.onnx_graph import checked, load_graph

SIZE = 28
SHAPES = [(96, 96), (28, 28), (60, 80), (99, 180), (345, 370), (8, 9), (1, 1), (96, 28)]


def session(framing: Framing, wide: str = "refuse") -> Any:
    shape: list[str | int | None] = ["n", framing.size, framing.size, 3]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["images"], ["framed"])],
        "nothing",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("framed", TensorProto.UINT8, shape)],
    )
    nothing = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    model = load_graph(nothing.SerializeToString())
    with_framing(model, framing, wide)  # type: ignore[arg-type]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(checked(model), options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("crop", ["none", "centre", "auto"])
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_the_graph_frames_byte_for_byte_as_the_predictor(crop: Any, name: Any) -> None:
    framing = Framing(crop=crop, fraction=0.83, size=SIZE, filter=name)
    graph = session(framing)
    for height, width in SHAPES:
        images = pictures(2, height, width)
        (found,) = graph.run(None, {"images": images})
        np.testing.assert_array_equal(found, np.stack([frame_picture(one, framing) for one in images]))


@pytest.mark.parametrize("name", sorted(KERNELS))
@pytest.mark.parametrize("shape", SHAPES)
def test_numpy_alone_resizes_byte_for_byte_as_pillow(name: str, shape: tuple[int, int]) -> None:
    images = pictures(2, *shape)
    kinds = {"box": 4, "bilinear": 2, "bicubic": 3, "lanczos": 1}
    expected = [Image.fromarray(one).resize((SIZE, SIZE), Image.Resampling(kinds[name])) for one in images]
    np.testing.assert_array_equal(resized(images, SIZE, name), np.stack([np.asarray(one) for one in expected]))


def test_numpy_alone_resizes_extremes_to_whole_levels() -> None:
    stripes = np.zeros((1, 96, 96, 3), np.uint8)
    stripes[:, :, ::2] = 255
    expected = np.asarray(Image.fromarray(stripes[0]).resize((112, 112), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(resized(stripes, 112, "bicubic")[0], expected)


@pytest.mark.parametrize("shape", [(96, 96), (60, 90), (345, 370)])
@pytest.mark.parametrize("crop", ["none", "centre", "auto"])
def test_numpy_alone_cuts_as_the_predictor(crop: Any, shape: tuple[int, int]) -> None:
    framing = Framing(crop=crop, fraction=0.7, size=SIZE)
    images = pictures(1, *shape)
    part = cut_out(images, crop, 0.7, SIZE)
    np.testing.assert_array_equal(resized(part, SIZE, "bicubic")[0], frame_picture(images[0], framing))


def test_a_picture_that_may_be_a_whole_field_is_refused_in_words() -> None:
    with pytest.raises(Exception, match="cut it to the cell first, or export with --wide whole"):
        session(Framing(size=SIZE)).run(None, {"images": pictures(1, 120, 120)})


def test_or_it_is_taken_whole() -> None:
    images = pictures(1, 120, 120)
    (found,) = session(Framing(size=SIZE), "whole").run(None, {"images": images})
    np.testing.assert_array_equal(found[0], frame_picture(images[0], Framing(size=SIZE, crop="none")))


def test_what_the_content_decides_cannot_be_inside() -> None:
    assert can_be_inside(Framing())
    assert not can_be_inside(Framing(crop="cell"))
    assert not can_be_inside(Framing(content="nucleus"))
