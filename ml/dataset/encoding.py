"""Read from a file's header how the source stored the image."""

from io import BytesIO

from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from ml.dataset.radiographs import Encoding
from radiograph import media_type
from radiograph.jpeg import jpeg_header
from radiograph.png import png_header


def encoding_of(data: bytes) -> Encoding:
    """Return the encoding of a JPEG or PNG file.

    Pillow reads the file without metadata, as in `radiograph`, because damaged metadata can stop it.

    Raises:
        ImageError: the header is broken.
    """
    jpeg = media_type(data) == "image/jpeg"
    header = jpeg_header(data) if jpeg else png_header(data)
    with (JpegImageFile if jpeg else PngImageFile)(BytesIO(header.stream)) as image:
        tables = getattr(image, "quantization", None) or {}
        return Encoding(len(data), header.width, header.height, image.mode, sum(tables.get(0, ())))
