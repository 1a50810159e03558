"""What a megapixel of a microscope's image costs in the networks that were compared for the bundled models.

    python benchmarks/time_per_pixel.py [--side 768] [--repeat 5]

In turns, in float32, on one thread, in memory, with everything that an upscaling does. Weights change no
time, and networks that are not bundled have drawn ones. Printed are medians of processor seconds, and of each
turn's ratio to the first network. What a processor with AVX2 takes: ``ONEDNN_MAX_CPU_ISA=AVX2`` and
``ATEN_CPU_CAPABILITY=avx2`` in the environment.
"""

from __future__ import annotations

import argparse
import time
import warnings
from statistics import median
from typing import Any

import torch
from host import processor
from markdown_table import markdown
from throughput import picture
from upscale import operations

import napari_srgan
from napari_srgan.models import Model, ModelCard, load_model
from napari_srgan.networks import build_network

BUNDLED = ("microscopy-x2", "microscopy-x4")
SRRESNETS = {"16 blocks of 32": (16, 32), "8 blocks of 64": (8, 64)}


def srresnet(title: str, factor: int) -> Model:
    """Untrained, with the skip and the upsampling that the models for microscopes had before the U-Nets."""
    blocks, width = SRRESNETS[title]
    settings: dict[str, Any] = {
        "scale_factor": factor,
        "channels": 1,
        "blocks": blocks,
        "width": width,
        "kernel": 3,
        "normalisation": "none",
        "activation": "prelu",
        "interpolated_skip": True,
        "upsampling": "direct",
    }
    network = build_network("srresnet", settings).eval().requires_grad_(False)
    card = ModelCard.model_construct(
        name=f"SRResNet, {title}",
        description="untrained",
        scale_factor=factor,
        channels=1,
        intensity="percentile",
        receptive_radius=network.receptive_radius,
    )
    return Model(network, card)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--side", type=int, default=768)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", napari_srgan.ImageWarning)
    image = picture(arguments.side)
    models = [srresnet(title, 2) for title in SRRESNETS]
    models[1:1] = [load_model(name) for name in BUNDLED]
    seconds: dict[str, list[float]] = {model.name: [] for model in models}
    for turn in range(arguments.repeat + 1):
        for model in models:
            began = time.process_time()
            napari_srgan.upscale(image, model, device="cpu", precision="float32", progress=False)
            if turn:
                seconds[model.name].append((time.process_time() - began) / (image.size / 1e6))
    rows = [["network", "factor", "parameters", "MFLOP a pixel", "s for a megapixel", "times the first"]]
    for model in models:
        own, first = seconds[model.name], seconds[models[0].name]
        ratio = median(ours / theirs for ours, theirs in zip(own, first, strict=True))
        count = sum(parameter.numel() for parameter in model.network.parameters())
        rows.append(
            [
                *(model.name, str(model.scale_factor), f"{count / 1e3:,.0f} k"),
                *(f"{operations(model.network) / 1e6:.2f}", f"{median(own):.1f}", f"{ratio:.2f}"),
            ]
        )
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"{processor()}, {capability}, {arguments.side} x {arguments.side} pixels\n")
    print(markdown(rows))


if __name__ == "__main__":
    main()
