"""The mean chest radiograph, with which the check for frontal radiographs compares an image."""

from __future__ import annotations

from typing import Final

TEMPLATE_SIDE: Final = 16

MEAN_IMAGE: Final = bytes.fromhex(
    "3c5c636b7b9dbfcfcfbe9c7a6a61513a4365788898a9bbc8c9baaa9887765f40"
    "436686a0aba9b6cacbb5abac9e836241385f8dada797accfd1ab99abac8a5c3a"
    "2d5791af9886a5d4d9aa8c9eaf8d542e205194a78783a8d9e1b89093aa904e22"
    "144f98997c85b1e1e7cba08ea0944a170f4f998b7489bce8edd6b38f96944a0f"
    "0951957f7393c3edf2ddc4988e904b0903528d767494c4eff5e1cfa58a8a4b05"
    "01538371768fc0eef6e0d2ad86834b0200547c768398c1eef6ddcead837c4b00"
    "01568394abbdd4f2f7ddd0b58c794b00035b9abcd3dfe6f9fbe5ddcca9884e01"
    "0564b2d6e8eff3fefdede6dac49f5502096abde1f0f6f8fffdefe7ddcfaf5c06"
)
"""16 x 16 grey values, row by row: the mean of 5,232 training images of the public paediatric collection (Kermany et
al., 2018), each squashed to 224 x 224 pixels, averaged in boxes, and brought to mean 0 and length 1; then stretched to
0..255. The average of thousands shows nobody. `python -m benchmarks.frontal_check_refusals --template` prints it."""
