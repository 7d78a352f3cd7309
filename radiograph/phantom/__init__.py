"""Synthetic chest radiographs, for demonstrations and tests where there are no real ones. Needs numpy.

They are drawn, not simulated: a model that reads phantoms has learnt nothing about people.
"""

from radiograph.phantom.dataset import write_dataset
from radiograph.phantom.drawing import draw

__all__ = ["draw", "write_dataset"]
