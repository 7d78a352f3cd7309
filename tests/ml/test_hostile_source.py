"""Files that people find in their folders, each with what becomes of it: an image, or a reason."""

import faulthandler
import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from ml.dataset import standardising, variants
from ml.dataset.radiographs import Radiograph, Reject, SourceFile
from ml.dataset.sources import open_source
from radiograph import ImageError, ResizeMode
from radiograph.frontal_check import standardise_frontal
from tests.radiograph.dicom_files import chest, dataset, saved
from tests.radiograph.files import page_of_text

from .conftest import write_image
from .dataset_builders import PHANTOM, encoded


def header_bomb() -> bytes:
    """Return a PNG that announces 30000 x 30000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def animated() -> bytes:
    buffer = io.BytesIO()
    PHANTOM.save(buffer, "PNG", save_all=True, append_images=[PHANTOM.transpose(Image.Transpose.ROTATE_180)])
    return buffer.getvalue()


def wordy() -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("comment", "x" * 2_000_000)
    return encoded("PNG", pnginfo=notes)


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded("JPEG", image=PHANTOM.transpose(Image.Transpose.ROTATE_90), exif=exif.tobytes())


def sixteen_bits() -> bytes:
    values = (np.asarray(PHANTOM, np.uint16) * 257).astype(np.uint16)
    return encoded("PNG", "I;16", Image.fromarray(values))


JPEG = encoded("JPEG")
TABLE: dict[str, tuple[bytes, str]] = {
    "plain.jpeg": (JPEG, "image"),
    "plain.png": (encoded("PNG"), "image"),
    "colour.jpeg": (encoded("JPEG", "RGB"), "image"),
    "cmyk.jpeg": (encoded("JPEG", "CMYK"), "image"),
    "progressive.jpeg": (encoded("JPEG", progressive=True), "image"),
    "palette.png": (encoded("PNG", "P"), "image"),
    "one bit.png": (encoded("PNG", "1"), "image"),
    "alpha.png": (encoded("PNG", "LA"), "image"),
    "sixteen bits.png": (sixteen_bits(), "image"),
    "rotated by exif.jpeg": (rotated(), "image"),
    "png named.jpeg": (encoded("PNG"), "image"),
    "ünï cödé 胸部.jpeg": (JPEG, "image"),
    "spaces  and 'quotes'.jpeg": (JPEG, "image"),
    "no suffix": (JPEG, "image"),
    "tail behind the end.jpeg": (JPEG + b"tail" * 10, "image"),
    "image.dcm": (saved(dataset(chest())), "image"),
    "monochrome1.dcm": (saved(dataset(4095 - chest(), PhotometricInterpretation="MONOCHROME1")), "image"),
    "empty.jpeg": (b"", "empty"),
    "zero bytes.jpeg": (b"\0" * 4000, "unsupported_format"),
    "truncated.jpeg": (JPEG[: len(JPEG) // 2], "truncated"),
    "text.jpg": (b"This is no image.\n" * 50, "unsupported_format"),
    "page.jpeg": (b"<html><body>404</body></html>", "unsupported_format"),
    "moving.gif": (encoded("GIF"), "unsupported_format"),
    "animated.png": (animated(), "multi_frame"),
    "one pixel.png": (encoded("PNG", image=PHANTOM.resize((1, 1))), "too_small"),
    "strip.png": (encoded("PNG", image=PHANTOM.resize((900, 80))), "too_elongated"),
    "header bomb.png": (header_bomb(), "too_many_pixels"),
    "cut header.png": (encoded("PNG")[:20], "truncated"),
    "scan.bmp": (encoded("BMP"), "unsupported_format"),
    "no pixels.dcm": (saved(dataset(PixelData=None)), "no_pixels"),
    "ct slice.dcm": (saved(dataset(Modality="CT")), "wrong_modality"),
    "loop.dcm": (saved(dataset(NumberOfFrames=2)), "multi_frame"),
    "cut.dcm": (saved(dataset())[:-50], "truncated"),
}


def changed_chunk(name: bytes, body: bytes, checksum: int | None = None) -> bytes:
    """Return a PNG with one more chunk before its pixels, with a wrong checksum if one is given."""
    data = encoded("PNG")
    crc = zlib.crc32(name + body) if checksum is None else checksum
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)
    return data[:33] + chunk + data[33:]


TABLE |= {
    "text of 3 MB.png": (
        changed_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"x" * 3_000_000)),
        "image",
    ),
    "text checksum.png": (changed_chunk(b"tEXt", b"Comment\0x", 1), "image"),
    "short pHYs.png": (changed_chunk(b"pHYs", b"\0\0"), "image"),
    "short gAMA.png": (changed_chunk(b"gAMA", b"\0"), "image"),
    "short sRGB.png": (changed_chunk(b"sRGB", b""), "image"),
}


def outcome(folder: Path, path: Path) -> tuple[str, str]:
    images, rejects = standardising.standardise_all([SourceFile(path, 0, None)], folder / "out")
    if images:
        assert isinstance(images[0], Radiograph)
        with Image.open(folder / "out/NORMAL" / images[0].name) as image:
            assert (image.size, image.mode, image.format) == ((224, 224), "RGB", "JPEG")
        assert images[0].name.isascii()
        return "image", ""
    assert not list((folder / "out").rglob("*.jpg"))
    return rejects[0].code, rejects[0].reason


@pytest.mark.parametrize("name", TABLE)
def test_each_file_is_an_image_or_has_its_reason(tmp_path: Path, name: str) -> None:
    content, expected = TABLE[name]
    path = tmp_path / name
    path.write_bytes(content)
    code, reason = outcome(tmp_path, path)
    assert code == expected, reason
    assert path.read_bytes() == content


def test_a_text_chunk_of_megabytes_is_no_obstacle_or_has_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "wordy.png"
    path.write_bytes(wordy())
    assert outcome(tmp_path, path)[0] in {"image", "too_complex", "broken"}


LINKS: dict[str, Callable[[Path], None]] = {
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to(path.parent / "gone"),
    "a file nobody may read": lambda path: (path.write_bytes(JPEG), path.chmod(0))[1],
}


@pytest.mark.parametrize("name", LINKS)
def test_what_cannot_be_opened_is_left_out_with_the_systems_reason(tmp_path: Path, name: str) -> None:
    if "nobody" in name and os.geteuid() == 0:
        pytest.skip("root may read every file")
    path = tmp_path / "image.jpeg"
    LINKS[name](path)
    code, reason = outcome(tmp_path, path)
    assert code == "unreadable"
    assert reason


@pytest.mark.parametrize("path", ["a\0b.jpg", "x" * 300 + ".jpg", ".", "pipe"])
def test_a_path_that_cannot_be_read_is_one_reject(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    write_image(tmp_path / "b.jpg", 1)
    (tmp_path / "images.csv").write_text(f"path,label,patient_id\n{path},0,1\nb.jpg,1,2\n")
    offer = open_source(str(tmp_path / "images.csv"), tmp_path.parent / "work", 0)
    images, rejects = standardising.standardise_all(offer.images, tmp_path / "out")
    assert [image.source for image in images] == [tmp_path / "b.jpg"]
    assert [reject.path for reject in [*offer.rejects, *rejects]] == [tmp_path / path]
    assert all(reject.reason for reject in rejects)


def test_a_name_as_long_as_a_file_system_allows_is_kept_short(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_image(tmp_path / folder / ("n" * 250 + ".jpg"), ord(folder))
    files = [SourceFile(path, 0, None) for path in sorted(tmp_path.rglob("*.jpg"))]
    images, rejects = standardising.standardise_all(files, tmp_path / "out")
    assert (len({image.name for image in images}), rejects) == (2, [])
    variants.copies(images, 1, 0, tmp_path / "out")
    assert len(list((tmp_path / "out/augmented").rglob("*.jpg"))) == 2


def test_the_encoding_of_a_dicom_file_is_that_of_its_own_pixels(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(saved(dataset(chest())))
    images, _ = standardising.standardise_all([SourceFile(tmp_path / "a.dcm", 0, None)], tmp_path / "out")
    assert (images[0].encoding.width, images[0].encoding.height) == (128, 100)


def test_images_of_one_name_get_different_names(tmp_path: Path) -> None:
    files = []
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Radiograph.jpeg").write_bytes(JPEG)
        files.append(SourceFile(tmp_path / folder / "Radiograph.jpeg", 0, None))
    (tmp_path / "a" / "image-2.jpeg").write_bytes(JPEG)
    files.append(SourceFile(tmp_path / "a" / "image-2.jpeg", 0, None))
    names = standardising.unique_names(files)
    assert len(set(names)) == 4


def test_the_same_image_gives_the_same_pixels_in_preparation_proxy_and_app() -> None:
    from inference_proxy.request_image import standard_image

    import radiograph
    from frontend.uploaded_image import from_file
    from radiograph import phantom

    buffer = io.BytesIO()
    phantom.draw(3, True).save(buffer, "JPEG")
    image = buffer.getvalue()
    prepared = standardising.encode(standardising.read(image, "squash"))
    assert radiograph.encode(radiograph.standardise(from_file("image", image).body)) == prepared
    assert radiograph.encode(standard_image(image, "squash")) == prepared


SOMETHING_ELSE: dict[str, tuple[bytes, str]] = {
    "colour photograph.jpeg": (encoded("JPEG", "RGB", ImageOps.colorize(PHANTOM, "navy", "orange")), "in colour"),
    "page of text.png": (page_of_text(), "white"),
    "drawing.png": (encoded("PNG", image=ImageOps.expand(PHANTOM.resize((99, 99)), 200, 128)), "single grey value"),
    "noise.png": (encoded("PNG", image=Image.effect_noise((300, 300), 90)), "detail"),
    "inverted.jpeg": (encoded("JPEG", image=ImageOps.invert(PHANTOM)), "inverted"),
    "on its side.jpeg": (encoded("JPEG", image=PHANTOM.rotate(90, expand=True)), "90 degrees to the right"),
    "inverted.dcm": (saved(dataset(4095 - chest())), "inverted"),
}


@pytest.mark.parametrize("name", SOMETHING_ELSE)
@pytest.mark.parametrize("resize_mode", ["squash", "pad"])
def test_an_image_that_certainly_shows_something_else_is_left_out_and_an_option_keeps_it(
    tmp_path: Path, name: str, resize_mode: ResizeMode
) -> None:
    content, reason = SOMETHING_ELSE[name]
    path = tmp_path / name
    path.write_bytes(content)
    files = [SourceFile(path, 0, None)]
    images, (reject,) = standardising.standardise_all(files, tmp_path / "out", resize_mode)
    assert (images, reject.path, reject.code, reject.unusable) == ([], path, "not_a_radiograph", True)
    assert reason in reject.reason
    assert "--views all" in reject.reason
    (image,), rejects = standardising.standardise_all(files, tmp_path / "out", resize_mode, "all")
    assert (image.notes, rejects) == ((), [])


def test_an_image_at_the_limit_of_the_check_is_used_with_a_note_and_refused_by_the_api(tmp_path: Path) -> None:
    path = tmp_path / "upside down.png"
    path.write_bytes(encoded("PNG", image=PHANTOM.rotate(180)))
    (image,), _ = standardising.standardise_all([SourceFile(path, 0, None)], tmp_path / "out")
    with pytest.raises(ImageError) as caught:
        standardise_frontal(path.read_bytes())
    (note,) = image.notes
    assert "upside down" in note
    assert note.split(": ", 1)[1].rstrip(".") in str(caught.value)


def dies(job: standardising.Job) -> Radiograph | Reject:
    """Standardise a file, or end the process as a decoder in C does."""
    if b"deadly" in job[0].path.read_bytes():
        faulthandler.disable()  # pytest's would print a traceback
        os.abort()
    return standardising.standardise_one(job)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_whose_decoder_ends_the_process_is_one_reject(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: workers)
    monkeypatch.setattr(standardising, "resumed", dies)
    files = []
    for number in range(24):
        path = write_image(tmp_path / f"{number:02d}.jpeg", number)
        if number in (3, 20):
            path.write_bytes(path.read_bytes() + b"deadly")
        files.append(SourceFile(path, 0, None))
    images, rejects = standardising.standardise_all(files, tmp_path / "out")
    assert [image.source.stem for image in images] == [f"{n:02d}" for n in range(24) if n not in (3, 20)]
    assert [(reject.path.stem, reject.code) for reject in rejects] == [("03", "broken"), ("20", "broken")]


def test_declared_laterals_and_constant_images_are_left_out_and_an_option_keeps_laterals(tmp_path: Path) -> None:
    (tmp_path / "lateral.dcm").write_bytes(saved(dataset(ViewPosition="LATERAL", BurnedInAnnotation="YES")))
    Image.new("L", (300, 300), 255).save(tmp_path / "white.png")
    files = [SourceFile(tmp_path / name, 0, None) for name in ("lateral.dcm", "white.png")]
    images, rejects = standardising.standardise_all(files, tmp_path / "out")
    assert not images
    assert [(reject.code, reject.unusable) for reject in rejects] == [("wrong_view", False), ("not_a_radiograph", True)]
    images, _ = standardising.standardise_all(files, tmp_path / "out", views="all")
    assert [image.source.name for image in images] == ["lateral.dcm"]
    assert "BurnedInAnnotation" in images[0].notes[0]
