"""Draw one person's chest as X-ray attenuation, from random proportions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radiograph.phantom.canvas import Field, X, Y, ellipse, noise, step
from radiograph.phantom.vessels import airway_tree, vessel_tree


@dataclass(frozen=True)
class Chest:
    """Attenuation of a healthy chest in units of soft tissue, each of shape (HEIGHT, WIDTH).

    `tissue` is the body with its bones and without lungs, `air` the depth of lung in the beam (0 to 1), `vessels` the
    attenuation of vessels in the lungs, and `airways` the bronchi that stay dark in consolidated lung (0 to 1).
    """

    tissue: Field
    air: Field
    vessels: Field
    airways: Field


@dataclass(frozen=True)
class Build:
    """A person's proportions in the body units of `canvas`."""

    half_width: float
    widest: float
    domes: tuple[float, float]  # height of the diaphragm on the patient's right and left
    heart: tuple[float, float, float, float, float]  # x, y, half length, half breadth, degrees
    mediastinum: float
    shoulder: float
    bulk: float
    rib_spacing: float
    rib_slope: float
    rib_density: float


def draw_build(rng: np.random.Generator) -> Build:
    """Draw random proportions, from a slim adult to a small child."""
    dome = rng.uniform(1.12, 1.42)
    size = rng.uniform(0.38, 0.50)
    return Build(
        half_width=rng.uniform(0.86, 0.98),
        widest=rng.uniform(0.78, 0.95),
        domes=(dome, dome + rng.uniform(0.0, 0.12)),
        heart=(rng.uniform(0.10, 0.20), dome - rng.uniform(0.30, 0.38), size, size * 0.72, rng.uniform(25, 48)),
        mediastinum=rng.uniform(0.17, 0.27),
        shoulder=rng.uniform(-0.2, 0.05),
        bulk=rng.uniform(0.8, 1.25),
        rib_spacing=rng.uniform(0.155, 0.19),
        rib_slope=rng.uniform(0.10, 0.38),
        rib_density=rng.uniform(0.07, 0.13),
    )


def draw_chest(rng: np.random.Generator) -> Chest:
    """Draw a person's proportions and organs from `rng`."""
    build = draw_build(rng)
    heart = step(ellipse(*build.heart), 0.08)
    middle = _mediastinum(build, rng)
    below = step(Y - _diaphragm(build), 0.012)
    cage = _lungs(build)
    air = cage * (1 - below) * (1 - 0.93 * middle) * (1 - 0.86 * heart)
    tissue = _body(build) + 0.10 * below + 0.12 * heart * (1 - below) + 0.10 * middle + 0.015 * noise(rng, 0.05)
    tissue += _bones(build, rng) - 0.05 * step(ellipse(0.0, -0.1, 0.055, 0.62), 0.2)
    bubble = ellipse(rng.uniform(0.38, 0.6), build.domes[1] + 0.2, rng.uniform(0.08, 0.2), rng.uniform(0.06, 0.11))
    tissue -= rng.uniform(0, 0.28) * step(bubble, 0.12)
    vessels = vessel_tree(rng) * np.float32(rng.uniform(0.07, 0.15)) * np.minimum(air * 2, 1)
    return Chest(tissue, air, np.asarray(vessels, np.float32), airway_tree(rng))


def _diaphragm(build: Build) -> Field:
    """Return the height of the diaphragm, shape (1, WIDTH): two domes that fall to the costophrenic angles."""
    outward = np.abs(X) - 0.42
    fall = np.where(outward > 0, 1.25, 0.5) * outward * outward
    right, left = build.domes
    side = step(X, 0.1)
    return np.asarray(right * (1 - side) + left * side + fall, np.float32)


def _lungs(build: Build) -> Field:
    """Return the depth of the lungs in the beam without heart, mediastinum and diaphragm, 0 to 1."""
    centre = 0.42
    reach = np.where(np.abs(X) > centre, build.half_width - centre, centre + 0.12)
    across = (np.abs(X) - centre) / reach
    # Above its widest height the lung narrows to the apex as an ellipse; below, its wall is nearly vertical.
    up = np.clip((build.widest - Y) / build.widest, 0, None)
    down = np.clip(Y - build.widest, 0, None)
    rim = 1 - np.sqrt(np.abs(across) ** 2.3 + up**2.3 + 0.05 * down)
    depth = np.clip(rim / 0.55, 0, 1)
    return np.asarray(np.sqrt(1 - (1 - depth) ** 2) * step(rim, 0.02), np.float32)


def _mediastinum(build: Build, rng: np.random.Generator) -> Field:
    wobble = 0.02 * np.sin(Y * np.float32(rng.uniform(4, 7)) + np.float32(rng.uniform(0, 6)))
    width = build.mediastinum * (0.75 + 0.25 * step(Y - 0.35, 0.3)) + wobble
    band = step(width - np.abs(X - 0.02), 0.03)
    knob = step(ellipse(0.12, rng.uniform(0.38, 0.50), 0.16, 0.17), 0.25)
    hila = step(ellipse(-0.27, 0.66, 0.10, 0.15), 0.7) + step(ellipse(0.28, 0.62, 0.10, 0.14), 0.7)
    return np.asarray(np.clip(np.maximum(band, knob) + 0.3 * hila, 0, 1), np.float32)


def _body(build: Build) -> Field:
    """Return trunk, neck and shoulders as depth of soft tissue."""
    trunk = 0.30 + (0.95 * build.half_width + 0.12 + 0.12 * build.bulk) * step(Y - build.shoulder, 0.14)
    profile = np.clip(1 - (X / trunk) ** 2, 0, 1)
    girdle = step(ellipse(-1.0, 0.12, 0.42, 0.32, -25), 0.5) + step(ellipse(1.0, 0.12, 0.42, 0.32, 25), 0.5)
    return np.asarray((0.72 + 0.12 * build.bulk) * profile**0.35 + 0.16 * girdle * (profile > 0), np.float32)


def _bones(build: Build, rng: np.random.Generator) -> Field:
    """Return ribs, spine, clavicles, shoulder blades and humeral heads."""
    x = np.abs(X)
    spine = step(0.105 - x, 0.015) * (0.75 + 0.25 * np.cos(Y * np.float32(2 * np.pi / build.rib_spacing)))
    tilt = rng.uniform(0.05, 0.30)
    bow = 0.16 - tilt * (x - 0.1) + 0.05 * np.sin(5.5 * x + rng.uniform(0, 1))
    collar = _tube((Y - bow) / 0.045) * step(x - 0.09, 0.02) * step(1.0 - x, 0.04)
    blade = step(ellipse(-0.92, 0.52, 0.20, 0.42, 14), 0.06) + step(ellipse(0.92, 0.52, 0.20, 0.42, -14), 0.06)
    head = step(ellipse(-1.17, 0.06, 0.15, 0.17), 0.1) + step(ellipse(1.17, 0.06, 0.15, 0.17), 0.1)
    bones = build.rib_density * (_ribs(build) + 1.5 * collar)
    return np.asarray(bones + 0.14 * spine + rng.uniform(0, 0.07) * blade + 0.16 * head, np.float32)


def _ribs(build: Build) -> Field:
    """Return the ribs: each is a falling half ellipse at the back and a fainter rising one at the front."""
    x = np.abs(X)
    wall, bulge = build.half_width + 0.03, 0.30
    arc = np.sqrt(np.clip(1 - (x / wall) ** 2, 0.003, 1))
    steepness = bulge * x / (wall * wall * arc)
    slant = build.rib_slope * x
    back = _bands(Y - slant + bulge * arc, steepness, build.rib_spacing)
    front = _bands(Y - 1.35 * slant - bulge * arc, steepness, build.rib_spacing)
    taper = np.clip((build.widest - Y) / 1.05, 0, 1)  # the cage narrows towards the first rib
    inside = step(build.half_width * np.sqrt(np.clip(1.02 - taper * taper, 0, 1)) - x, 0.03) * step(1.75 - Y, 0.05)
    return np.asarray((back * step(x - 0.08, 0.03) + 0.55 * front * step(x - 0.42, 0.06)) * inside, np.float32)


def _bands(course: Field, steepness: Field, spacing: float) -> Field:
    """Return bones where `course` is a multiple of `spacing`; steep parts are not drawn thicker."""
    offset = (course - spacing * np.round(course / spacing)) / np.sqrt(1 + steepness * steepness)
    return _tube(offset / 0.040)


def _tube(offset: Field) -> Field:
    """Return a bone across its axis, `offset` in half breadths: its cortex is denser than its marrow."""
    square = offset * offset
    return np.asarray(np.exp(-(square**3)) * (0.65 + 0.55 * square), np.float32)
