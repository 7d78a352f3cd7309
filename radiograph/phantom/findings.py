"""Draw consolidation (pneumonia) and harmless shadows."""

from __future__ import annotations

import numpy as np

from radiograph.phantom.anatomy import Chest
from radiograph.phantom.canvas import Field, X, Y, ellipse, noise, step

LUNG = 0.60
"""Attenuation that a full depth of aerated lung subtracts from soft tissue."""


def attenuation(chest: Chest, shadows: Field, consolidation: Field | None) -> Field:
    """Return the image's attenuation in units of soft tissue, shape (HEIGHT, WIDTH).

    `consolidation` is the filled fraction of lung, 0 to 1. It hides vessels and leaves the bronchi dark.
    """
    air, vessels = chest.air, chest.vessels
    if consolidation is not None:
        filled = consolidation * (1 - 0.35 * chest.airways)
        air = air * (1 - filled)
        vessels = vessels * (1 - 0.8 * consolidation)
    return np.asarray(np.maximum(chest.tissue + shadows - LUNG * air + vessels, 0), np.float32)


def draw_shadows(rng: np.random.Generator) -> Field:
    """Draw harmless shadows: breasts, soft tissue, skin folds, nipples, and the tilt of a rotated patient.

    Some are as large and as bright as consolidation: brightness alone does not reveal the class.
    """
    shadows = rng.normal(0, 0.05) * X * np.ones_like(Y) + rng.normal(0, 0.03) * noise(rng, 0.6)
    if rng.uniform() < 0.45:
        shadows += _breasts(rng)
    for _ in range(rng.integers(0, 4)):
        x, y = _side(rng) * rng.uniform(0.3, 0.75), rng.uniform(0.2, 1.3)
        veil = ellipse(x, y, rng.uniform(0.2, 0.45), rng.uniform(0.2, 0.45), rng.uniform(0, 180))
        shadows += rng.uniform(0.05, 0.30) * step(veil, rng.uniform(0.5, 0.9))
    if rng.uniform() < 0.25:
        fold = _side(rng) * (X - rng.uniform(-0.8, 0.8)) + rng.normal(0, 0.4) * (Y - 0.7)
        shadows += rng.uniform(0.03, 0.08) * step(fold, 0.01) * np.exp(-np.clip(fold, 0, None) / 0.12)
    if rng.uniform() < 0.2:
        for side in (-1, 1):
            shadows += 0.06 * step(ellipse(side * 0.55, rng.uniform(1.0, 1.2), 0.03, 0.03), 0.3)
    return np.asarray(shadows, np.float32)


def draw_consolidation(rng: np.random.Generator) -> Field:
    """Draw the filled fraction of lung, 0 to 1, shape (HEIGHT, WIDTH): lobar, patchy or round, moderate to dense."""
    grain = 0.75 * noise(rng, 0.15) + 0.3 * noise(rng, 0.06)
    density = rng.uniform(0.62, 0.95)
    extent = (_lobar, _patchy, _round)[rng.choice(3, p=(0.4, 0.45, 0.15))]
    mottle = np.clip(0.80 + 0.16 * grain, 0.3, 1)
    return np.asarray(np.clip(density * extent(rng, grain) * mottle, 0, 1), np.float32)


def _lobar(rng: np.random.Generator, grain: Field) -> Field:
    """Fill most of an upper or a lower lobe, up to its fissure."""
    x = _side(rng) * rng.uniform(0.4, 0.65)
    upper = rng.uniform() < 0.5
    y = rng.uniform(0.3, 0.5) if upper else rng.uniform(0.85, 1.2)
    blob = ellipse(x, y, rng.uniform(0.28, 0.42), rng.uniform(0.25, 0.40))
    fissure = (y - Y if upper else Y - y) + 0.12 + 0.15 * np.abs(X - x)
    return step(blob + 0.16 * grain, 0.30) * step(fissure, 0.03)


def _patchy(rng: np.random.Generator, grain: Field) -> Field:
    """Fill scattered foci, most of them on one side."""
    filled = np.zeros_like(grain)
    side = _side(rng)
    for _ in range(rng.integers(4, 9)):
        x = side * rng.uniform(0.3, 0.75) * (1 if rng.uniform() < 0.7 else -1)
        blob = ellipse(x, rng.uniform(0.35, 1.25), rng.uniform(0.12, 0.22), rng.uniform(0.12, 0.22))
        filled = np.maximum(filled, rng.uniform(0.75, 1.0) * step(blob + 0.22 * grain, 0.50))
    return filled


def _round(rng: np.random.Generator, grain: Field) -> Field:
    """Fill a ball, as in round pneumonia of children."""
    radius = rng.uniform(0.19, 0.26)
    ball = ellipse(_side(rng) * rng.uniform(0.5, 0.7), rng.uniform(0.35, 1.05), radius, radius)  # beside the heart
    return step(ball + 0.10 * grain, 0.30)


def _breasts(rng: np.random.Generator) -> Field:
    density, x, y = rng.uniform(0.04, 0.15), rng.uniform(0.48, 0.62), rng.uniform(0.95, 1.25)
    shadow = np.zeros_like(X * Y)
    for side in (-1, 1):
        breast = ellipse(side * x + rng.normal(0, 0.03), y, rng.uniform(0.28, 0.40), rng.uniform(0.26, 0.36))
        shadow += density * rng.uniform(0.7, 1.1) * np.sqrt(np.clip(breast, 0, 1))
    return shadow


def _side(rng: np.random.Generator) -> int:
    """Return -1 for the patient's right or 1 for the left."""
    return 1 if rng.uniform() < 0.5 else -1
