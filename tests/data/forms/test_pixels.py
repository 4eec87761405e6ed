import numpy as np
import pytest

from smearlab.data.forms.pixels import check_picture_array, to_pictures
from smearlab.errors import DataError, UnreadableError


@pytest.mark.parametrize("shape", [(2, 8, 9), (2, 8, 9, 1), (2, 8, 9, 3), (2, 8, 9, 4), (2, 3, 3, 3)])
@pytest.mark.parametrize("kind", ["uint8", "int64", "float32"])
def test_possible_pictures_pass(shape: tuple[int, ...], kind: str) -> None:
    check_picture_array(shape, np.dtype(kind), "'images'")


@pytest.mark.parametrize("shape", [(), (5,), (5, 6), (2, 8, 9, 2), (2, 8, 9, 5), (1, 2, 3, 4, 5), (2, 0, 9, 3)])
def test_impossible_shapes_are_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"'images'.*\(.*uint8 of shape \(N, height, width, 3\)"):
        check_picture_array(shape, np.dtype("uint8"), "'images'")


def test_transparent_pictures_are_laid_on_white() -> None:
    chunk = np.zeros((1, 1, 3, 4), np.uint8)
    chunk[0, 0, :, 3] = [0, 255, 51]
    (laid,) = to_pictures(chunk, 0, "")
    assert not isinstance(laid, UnreadableError)
    assert laid[0, :, 0].tolist() == [255, 0, 204]


def test_faults_name_the_picture() -> None:
    chunk = np.zeros((3, 4, 4), np.float64)
    chunk[2] = 0.25
    with pytest.raises(DataError, match=r"picture 12 of 'images' are fractions.*\(images \* 255\)\.round\(\)"):
        list(to_pictures(chunk, 10, "'images'"))
    with pytest.raises(DataError, match="picture 5 of 'images' run from -1 to 0"):
        list(to_pictures(np.array([[[-1, 0]]]), 5, "'images'"))
