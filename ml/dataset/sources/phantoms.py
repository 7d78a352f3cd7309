"""Synthetic images, for use without real ones."""

from pathlib import Path

from ml.dataset.radiographs import Offer
from ml.dataset.sources import folder
from ml.dataset.sources.listing import list_files
from ml.progress import Progress

PHANTOMS = 720


def phantoms(target: Path, seed: int) -> Offer:
    """Draw the images into `target`, unless they are there already, and return them."""
    from radiograph.phantom import write_dataset

    progress = Progress("Drawing phantoms", PHANTOMS)
    write_dataset(target, PHANTOMS, seed, lambda done, total: progress.advance(done - progress.done))
    if progress.done:
        progress.finish()
    return folder.scan(list_files(target))
