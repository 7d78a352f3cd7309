"""How the source stored a film, read from the file's header."""

from io import BytesIO

from PIL import Image

from ml.dataset.film import Encoding


def encoding_of(data: bytes, film: Image.Image) -> Encoding:
    """Return the facts of a file that was decoded to `film`; a DICOM file's are those of its pixels."""
    if data[128:132] == b"DICM":
        return Encoding(len(data), film.width, film.height, "DICOM", 0)
    with Image.open(BytesIO(data)) as image:
        tables = getattr(image, "quantization", None) or {}
        return Encoding(len(data), image.width, image.height, image.mode, sum(tables.get(0, ())))
