"""Draw synthetic chest radiographs for demonstrations and tests. Needs numpy.

They are drawings, not simulations: a model trained on them has learnt nothing about people.
"""

from radiograph.phantom.dataset import write_dataset
from radiograph.phantom.drawing import draw

__all__ = ["draw", "write_dataset"]
