"""The architectures a model's card can name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_srgan.networks import rdn, rrdb
from napari_srgan.networks.early_fusion import EarlyFusion
from napari_srgan.networks.generator import Generator
from napari_srgan.networks.recurrent import Recurrent
from napari_srgan.networks.slow_fusion import SlowFusion
from napari_srgan.networks.srresnet import SRResNet
from napari_srgan.networks.unet import UNet

ARCHITECTURES: Mapping[str, type[Generator]] = {
    "srresnet": SRResNet,
    "rdn": rdn.RDN,
    "rrdb": rrdb.RRDBNet,
    "unet": UNet,
    "early-fusion": EarlyFusion,
    "slow-fusion": SlowFusion,
    "recurrent": Recurrent,
}
"""Generator classes by the name under which cards and recipes know them."""
PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {"rdn": rdn.RDN_PRESETS, "rrdb": rrdb.RRDB_PRESETS}
"""Sizes that have a name: arguments by architecture and name."""


def build_network(architecture: str, arguments: Mapping[str, Any]) -> Generator:
    """Build a generator with fresh weights.

    Parameters
    ----------
    architecture
        A key of :data:`ARCHITECTURES`.
    arguments
        What was chosen of its :attr:`~Generator.arguments_type`, by name; ``preset`` names some of
        :data:`PRESETS`, which the others go before.

    Raises
    ------
    ValueError
        If there is no such architecture or preset, or it does not take these arguments.
    """
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"there is no architecture {architecture!r}; there is: {known}")
    kind = ARCHITECTURES[architecture]
    try:
        return kind(kind.arguments_type(**spelled_out(architecture, arguments)))
    except TypeError as error:
        raise ValueError(f"{architecture} does not take these arguments: {error}") from error


def spelled_out(architecture: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with what a preset stands for in its place.

    Raises
    ------
    ValueError
        If the architecture has no such preset.
    """
    if "preset" not in arguments:
        return dict(arguments)
    own = PRESETS.get(architecture, {})
    if arguments["preset"] not in own:
        known = ", ".join(own) or "none"
        raise ValueError(f"{architecture} has no preset {arguments['preset']!r}; it has: {known}")
    return {**own[arguments["preset"]], **{k: v for k, v in arguments.items() if k != "preset"}}
