"""Files whose metadata is damaged: each is an image or one reject, and none ends the command."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ml.dataset import standardising
from ml.dataset.sources import open_source
from tests.radiograph.dicom_files import chest, dataset, saved

from .conftest import write_image
from .dataset_builders import PHANTOM, encoded

FILES = 150


def metadata_rich() -> dict[str, bytes]:
    """Return files with much beside their pixels."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "x" * 40, zip=True)
    notes.add_itxt("XML:com.adobe.xmp", "<x/>" * 20)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "an image"
    turned = PHANTOM.transpose(Image.Transpose.ROTATE_90)
    rest = {"image": turned, "exif": exif.tobytes(), "icc_profile": b"p" * 60}
    two = io.BytesIO()
    PHANTOM.save(two, "MPO", save_all=True, append_images=[PHANTOM])
    return {
        "png": encoded("PNG", pnginfo=notes, dpi=(72, 72), **rest),
        "jpeg": encoded("JPEG", dpi=(72, 72), comment=b"an image", **rest),
        "mpo": two.getvalue(),
        "dcm": saved(dataset(chest(), StudyInstanceUID="1.2.3", WindowCenter=2000, WindowWidth=4000, PatientSex="F")),
    }


@pytest.mark.parametrize("kind", ["png", "jpeg", "mpo", "dcm"])
def test_a_file_with_damaged_metadata_is_an_image_or_one_reject(tmp_path: Path, kind: str) -> None:
    """Each of these files has one to four bytes of its first thousand changed."""
    rng = np.random.default_rng(7)
    data = metadata_rich()[kind]
    (tmp_path / "images/NORMAL").mkdir(parents=True)
    for number in range(FILES):
        body = bytearray(data)
        for position in rng.integers(0, min(1000, len(data)), rng.integers(1, 5)):
            body[position] = rng.choice([0, 1, 0x7F, 0xFF, rng.integers(0, 256)])
        (tmp_path / f"images/NORMAL/{number}.{kind}").write_bytes(body)
    write_image(tmp_path / "images/PNEUMONIA/p.jpg", 0)
    offer = open_source(str(tmp_path / "images"), tmp_path / "work", 0)
    images, rejects = standardising.standardise_all(offer.images, tmp_path / "out")
    rejects += offer.rejects
    assert len(images) + len(rejects) == offer.found == FILES + 1
    assert 1 < len(images) < FILES
    assert all(reject.reason and reject.path.suffix == f".{kind}" for reject in rejects)
