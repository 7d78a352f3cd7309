"""The varied images of the cloud recipe, and the crops that it scores."""

import torch
from torch import Tensor

from network import networks, style, views


def images() -> Tensor:
    """Return 16 images of 56 pixels whose left half is dark."""
    dark = torch.arange(56).expand(16, 1, 56, 56) < 28
    return torch.where(dark, 60.0, 200.0) + 5 * torch.randn(16, 1, 56, 56)


def test_each_batch_varies_anew_within_the_range_of_grey_values() -> None:
    torch.manual_seed(0)
    batch = images()
    first, second = style.vary(batch), style.vary(batch)
    assert first.shape == (16, 1, views.side(56), views.side(56)) == (16, 1, 48, 48)
    assert not torch.equal(first, second)
    assert float(min(first.min(), second.min())) >= 0
    assert float(max(first.max(), second.max())) <= 255


def test_the_generator_decides_all_changes() -> None:
    batch = images()
    varied = []
    for _ in range(2):
        torch.manual_seed(1)
        varied.append(style.vary(batch))
    assert torch.equal(*varied)


def test_no_image_is_mirrored() -> None:
    torch.manual_seed(2)
    varied = torch.cat([style.vary(images()) for _ in range(8)])[..., 12:-12, 12:-12]
    left, right = varied[..., :12].mean((1, 2, 3)), varied[..., 12:].mean((1, 2, 3))
    assert bool((left <= right).all())


def test_the_crops_cover_every_pixel() -> None:
    positions = torch.arange(30.0 * 44).view(1, 1, 30, 44)
    crops = views.crops(positions)
    assert {tuple(crop.shape) for crop in crops} == {(1, 1, 26, 38)}
    assert {int(value) for crop in crops for value in crop.flatten()} == set(range(30 * 44))


def test_the_prediction_of_the_cloud_recipe_is_the_mean_of_members_and_crops() -> None:
    torch.manual_seed(3)
    network = networks.build(2, True, "cloud").eval()
    with torch.no_grad():
        batch = images()
        logits = [member(crop) for crop in views.crops(batch) for member in network.members]
        torch.testing.assert_close(network(batch), torch.stack(logits).mean(0), atol=1e-5, rtol=1e-4)
    assert len(logits) == 15
