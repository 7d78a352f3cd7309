"""How the source stored an image, read from the file's checked header."""

from io import BytesIO

from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from ml.dataset.radiographs import Encoding
from radiograph import media_type
from radiograph.jpeg import jpeg_header
from radiograph.png import png_header


def encoding_of(data: bytes) -> Encoding:
    """Return the facts of a JPEG or PNG file.

    Pillow is given what `radiograph` gives it: the file without the metadata that it may stumble over.

    Raises:
        ImageError: the header is broken.
    """
    jpeg = media_type(data) == "image/jpeg"
    header = jpeg_header(data) if jpeg else png_header(data)
    with (JpegImageFile if jpeg else PngImageFile)(BytesIO(header.stream)) as image:
        tables = getattr(image, "quantization", None) or {}
        return Encoding(len(data), header.width, header.height, image.mode, sum(tables.get(0, ())))
