"""The architectures a model's card can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from napari_srgan.networks.generator import Generator
from napari_srgan.networks.srresnet import SRResNet

ARCHITECTURES: Mapping[str, Callable[..., Generator]] = {"srresnet": SRResNet}
"""Generator classes by the name under which cards and recipes know them."""


def build_network(architecture: str, arguments: Mapping[str, Any]) -> Generator:
    """Build a generator with fresh weights.

    Parameters
    ----------
    architecture
        A key of :data:`ARCHITECTURES`.
    arguments
        Keyword arguments of its class.

    Raises
    ------
    ValueError
        If there is no such architecture, or it does not take these arguments.
    """
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"there is no architecture {architecture!r}; there is: {known}")
    try:
        return ARCHITECTURES[architecture](**arguments)
    except TypeError as error:
        raise ValueError(f"{architecture} does not take these arguments: {error}") from error
