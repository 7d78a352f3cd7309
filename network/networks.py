"""The networks: EfficientNet-Lite0 with ImageNet weights, a small ResNet from scratch, and an ensemble of them.

All take raw grey images, (n, 1, height, width) with values 0..255, and return one logit a class. Reducing and
normalising are part of the graph, and no caller has to repeat them.
"""

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from network.errors import InputError
from network.recipe import CLOUD, LAPTOP

BLOCKS = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]
"""EfficientNet-Lite0: repeats, kernel, stride, expansion and output channels of each stage (Tan and Le, 2019)."""


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, which the ImageNet weights were trained with."""

    def forward(self, x: Tensor) -> Tensor:
        """Pad so that the output has ceil(size / stride) rows and columns, the odd pixel at the end."""
        (top, bottom), (left, right) = (
            self.margins(int(size), kernel, stride)
            for size, kernel, stride in zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        )
        # F.pad copies the image. Equal margins need no copy: the convolution adds them.
        if top != bottom or left != right:
            x, top, left = F.pad(x, [left, right, top, bottom]), 0, 0
        return F.conv2d(x, self.weight, self.bias, self.stride, (top, left), self.dilation, self.groups)

    @staticmethod
    def margins(size: int, kernel: int, stride: int) -> tuple[int, int]:
        """Return the zeros to add before and after a row or column of `size` pixels."""
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2


def norm(channels: int) -> nn.BatchNorm2d:
    """Return EfficientNet's batch normalisation, with a momentum for a few hundred steps of fine-tuning."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.1)


class InvertedResidual(nn.Module):
    """One block; attribute names are those of the published weights."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        if expansion != 1:
            self._expand_conv = SameConv(inputs, inner, 1, bias=False)
            self._bn0 = norm(inner)
        self._depthwise_conv = SameConv(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = norm(inner)
        self._project_conv = SameConv(inner, outputs, 1, bias=False)
        self._bn2 = norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Expand, filter each channel, project; add the input where the shapes agree."""
        y = F.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        out: Tensor = self._bn2(self._project_conv(y))
        return x + out if self.adds else out


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 on images averaged down by a factor: 224 to 112 pixels by 2, to 74 by 3."""

    name = "EfficientNet-Lite0 (ImageNet weights, Apache-2.0)"

    def __init__(self, num_classes: int, factor: int = 2) -> None:
        super().__init__()
        self.factor = factor
        self._conv_stem = SameConv(3, 32, 3, 2, bias=False)
        self._bn0 = norm(32)
        blocks, channels = [], 32
        for repeats, kernel, stride, expansion, outputs in BLOCKS:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(channels, outputs, kernel, stride if repeat == 0 else 1, expansion))
                channels = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv(channels, 1280, 1, bias=False)
        self._bn1 = norm(1280)
        self._fc = nn.Linear(1280, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, (n, classes)."""
        x = (F.avg_pool2d(images, self.factor).expand(-1, 3, -1, -1) - 127.0) / 128.0
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))
        logits: Tensor = self._fc(F.dropout(x, 0.2, self.training))
        return logits


class Basic(nn.Module):
    """A residual block of two 3x3 convolutions (He et al., 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        plain = stride == 1 and inputs == outputs
        self.short = (
            nn.Identity()
            if plain
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add the block's correction to its (projected) input."""
        y = F.relu(self.bn1(self.conv1(x)))
        shortcut: Tensor = self.short(x)
        return F.relu(self.bn2(self.conv2(y)) + shortcut)


class SmallResNet(nn.Module):
    """A ResNet of 0.7 million parameters on images averaged down to about `side` pixels."""

    name = "a small ResNet from scratch"

    def __init__(self, num_classes: int, side: int = 64) -> None:
        super().__init__()
        self.side = side
        self.stem = nn.Sequential(nn.Conv2d(1, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        self.body = nn.Sequential(Basic(24, 24, 1), Basic(24, 48, 2), Basic(48, 96, 2), Basic(96, 192, 2))
        self.head = nn.Linear(192, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, (n, classes)."""
        factor = max(1, int(images.shape[-1]) // self.side)
        x = (F.avg_pool2d(images, factor) - 127.0) / 64.0
        x = self.body(self.stem(x)).mean((2, 3))
        logits: Tensor = self.head(F.dropout(x, 0.2, self.training))
        return logits


class Ensemble(nn.Module):
    """Networks with separate losses, whose prediction is the mean of their logits."""

    def __init__(self, members: list[nn.Module], rates: list[float], num_classes: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.rates = rates
        """Factor of the learning rate of each member."""
        self.num_classes = num_classes

    @property
    def name(self) -> str:
        """Return the names of the members."""
        return " and ".join(str(member.name) for member in self.members)

    def each(self, images: Tensor) -> list[Tensor]:
        """Return the logits of each member, (n, classes)."""
        return [member(images) for member in self.members]

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean logits, (n, classes)."""
        return torch.stack(self.each(images)).mean(0)


SCRATCH_RATE = 3.0
"""Factor of the learning rate of a network from scratch beside a fine-tuned one."""


def build(num_classes: int, fine_tuned: bool, recipe: str = LAPTOP) -> Ensemble:
    """Return the networks of a recipe with random weights; without `fine_tuned`, only those from scratch."""
    if not fine_tuned:
        return Ensemble([SmallResNet(num_classes)], [1.0], num_classes)
    factors = (2, 3) if recipe == CLOUD else (2,)
    pretrained = [EfficientNetLite0(num_classes, factor) for factor in factors]
    rates = [*[1.0] * len(pretrained), SCRATCH_RATE]
    return Ensemble([*pretrained, SmallResNet(num_classes)], rates, num_classes)


def load_imagenet(network: Ensemble, path: Path) -> None:
    """Give each EfficientNet-Lite0 the ImageNet weights of a file; its last layer stays random.

    Raises:
        InputError: the file does not hold the weights of this network.
    """
    fine_tuned = [member for member in network.members if isinstance(member, EfficientNetLite0)]
    try:
        weights: dict[str, Tensor] = torch.load(path, weights_only=True)
        weights = {name: value for name, value in weights.items() if not name.startswith("_fc")}
        keys = [member.load_state_dict(weights, strict=False) for member in fine_tuned]
    except (OSError, EOFError, RuntimeError, AttributeError, pickle.UnpicklingError) as error:
        raise InputError(f"{path.name} does not hold the weights of EfficientNet-Lite0: {error}") from error
    for missing, unexpected in keys:
        if unexpected or set(missing) != {"_fc.weight", "_fc.bias"}:
            raise InputError(
                f"{path.name} does not hold the weights of EfficientNet-Lite0: missing {missing}, unexpected "
                f"{unexpected}."
            )
