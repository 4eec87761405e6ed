import io
import struct
import threading
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from smearlab.data.cells import UInt8Array
from smearlab.data.decode import decode, picture_formats, picture_suffixes
from smearlab.errors import UnreadableError

LOSSLESS = ("PNG", "TIFF", "BMP", "PPM", "TGA")
LOSSY = ("JPEG", "WEBP", "GIF")


def smooth_picture(height: int = 20, width: int = 30) -> UInt8Array:
    y, x = np.mgrid[:height, :width]
    return np.stack([40 + 6 * x, 60 + 8 * y, 120 + 2 * x + 2 * y], axis=2).astype(np.uint8)


def encode(pixels: NDArray[Any] | Image.Image, form: str = "PNG", **options: Any) -> bytes:
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return a valid PNG that claims any size but holds next to no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", LOSSLESS)
def test_lossless_formats_keep_every_pixel(form: str) -> None:
    pixels = smooth_picture()
    decoded = decode(encode(pixels, form))
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, pixels)


@pytest.mark.parametrize("form", LOSSY)
def test_lossy_formats_are_close(form: str) -> None:
    pixels = smooth_picture()
    decoded = decode(encode(pixels, form))
    assert decoded.shape == pixels.shape
    assert np.abs(decoded.astype(int) - pixels).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(form: str, orientation: int) -> None:
    upright = smooth_picture(16, 32)
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if form == "WEBP" else {}
    decoded = decode(encode(np.ascontiguousarray(turned), form, exif=exif, **options))
    assert decoded.shape == upright.shape
    assert np.abs(decoded.astype(int) - upright).mean() < 4


def test_damaged_exif_does_not_lose_the_picture() -> None:
    data = encode(smooth_picture(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert decode(data).shape == (20, 30, 3)


def test_grey_pictures_become_rgb() -> None:
    grey = smooth_picture()[:, :, 0]
    decoded = decode(encode(grey))
    assert np.array_equal(decoded, np.repeat(grey[:, :, None], 3, axis=2))


def test_black_and_white_pictures_become_rgb() -> None:
    decoded = decode(encode(Image.fromarray(np.eye(8, dtype=np.uint8) * 255).convert("1")))
    assert np.array_equal(decoded[:, :, 1], np.eye(8) * 255)


def test_palette_pictures_become_rgb() -> None:
    palette = Image.new("P", (4, 2), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert (decode(encode(palette)) == [10, 20, 30]).all()
    assert (decode(encode(palette, "GIF")) == [10, 20, 30]).all()


def test_transparent_pictures_are_laid_on_white() -> None:
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = [0, 255, 128]
    assert decode(encode(pixels))[0].tolist() == [[255] * 3, [0] * 3, [127] * 3]


def test_transparency_of_grey_and_palette_pictures_is_laid_on_white() -> None:
    grey_alpha = Image.fromarray(np.array([[[0, 0], [0, 255]]], np.uint8), "LA")
    assert decode(encode(grey_alpha))[0, :, 0].tolist() == [255, 0]
    palette = Image.new("P", (2, 1))
    palette.putpalette([9, 9, 9, 50, 60, 70])
    palette.putpixel((1, 0), 1)
    assert decode(encode(palette, transparency=0))[0].tolist() == [[255] * 3, [50, 60, 70]]
    coloured = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    assert decode(encode(coloured, transparency=(1, 2, 3)))[0].tolist() == [[255] * 3, [4, 5, 6]]


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_to_8(form: str) -> None:
    deep = np.array([[0, 257 * 100, 65535]], np.uint16)
    assert decode(encode(deep, form))[0, :, 2].tolist() == [0, 100, 255]


def test_32_bit_pictures_are_refused_when_they_exceed_16_bits() -> None:
    assert decode(encode(np.array([[0, 65535]], np.int32), "TIFF"))[0, :, 0].tolist() == [0, 255]
    with pytest.raises(UnreadableError, match="more than 16 bits"):
        decode(encode(np.array([[0, 70000]], np.int32), "TIFF"))


def test_floating_point_pictures_are_refused() -> None:
    with pytest.raises(UnreadableError, match="floating-point"):
        decode(encode(np.array([[0.5, np.nan]], np.float32), "TIFF"))


def test_cmyk_pictures_become_rgb() -> None:
    decoded = decode(encode(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
    assert np.abs(decoded.astype(int) - [255, 0, 0]).max() < 12


def test_the_first_of_several_frames_is_taken() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = encode(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert (decode(data) == [255, 0, 0]).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "WEBP", "GIF", "PPM"])
def test_a_truncated_file_is_an_error_or_loses_no_pixel(form: str) -> None:
    data = encode(smooth_picture(), form)
    whole, refused = decode(data), 0
    for length in range(1, len(data), max(1, len(data) // 60)):
        try:
            assert np.array_equal(decode(data[:length]), whole)
        except UnreadableError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_truncated_files_are_named_so(form: str) -> None:
    data = encode(smooth_picture(200, 300), form)
    with pytest.raises(UnreadableError, match="truncated"):
        decode(data[: len(data) * 2 // 3])


def test_truncated_files_are_errors_also_where_pillow_was_told_to_fill_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encode(smooth_picture(200, 300), "JPEG")
    with pytest.raises(UnreadableError, match="truncated"):
        decode(data[: len(data) // 2])
    assert decode(data).shape == (200, 300, 3)
    assert ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, world", "not a picture in any known format"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04....", "ZIP archive"),
        (b"\n <!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a picture|damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "PostScript"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        decode(data)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_decompression_bombs_are_refused_by_their_header(side: int) -> None:
    with pytest.raises(UnreadableError, match=r"too large.*50,000,000 pixels"):
        decode(png_header(side, side))


def test_a_large_but_honest_picture_is_read() -> None:
    assert decode(encode(Image.new("L", (3000, 2000)), "PNG")).shape == (2000, 3000, 3)


def test_any_damage_gives_one_kind_of_error() -> None:
    rng = np.random.default_rng(0)
    for form in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"):
        clean = np.frombuffer(encode(smooth_picture(), form), np.uint8)
        for _ in range(40):
            damaged = clean.copy()
            places = rng.integers(0, len(clean), 6)
            damaged[places] = rng.integers(0, 256, 6)
            with suppress(UnreadableError):
                assert decode(damaged.tobytes()).ndim == 3


def test_threads_decode_the_same() -> None:
    data, results = encode(smooth_picture(), "PNG"), []
    threads = [threading.Thread(target=lambda: results.append(decode(data).tobytes())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(results) == {smooth_picture().tobytes()}
    assert len(results) == 8


def test_suffixes_are_those_of_pictures() -> None:
    assert {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif"} <= picture_suffixes()
    assert not {".eps", ".pdf", ".h5", ".mpg", ".npz", ".txt", ".db"} & picture_suffixes()
    assert picture_formats()[0] == "JPEG"
    assert "EPS" not in picture_formats()


def test_a_reader_may_set_lower_limits() -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, "PNG")
    assert decode(file.getvalue(), max_pixels=1_200, max_side=40, formats=("PNG",)).shape == (30, 40, 3)
    with pytest.raises(UnreadableError, match="40×30 is more than 1,199 pixels"):
        decode(file.getvalue(), max_pixels=1_199)
    with pytest.raises(UnreadableError, match="a side of more than 39 pixels"):
        decode(file.getvalue(), max_side=39)
    with pytest.raises(UnreadableError, match="not a picture"):
        decode(file.getvalue(), formats=("JPEG",))
