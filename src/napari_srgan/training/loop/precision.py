"""The float type that a device trains fastest in."""

from __future__ import annotations

import torch

from napari_srgan.inference.devices.choice import choose_dtype


def mixed_precision(device: torch.device) -> torch.autocast:
    """Autocast to bfloat16 where the device is fast at it; otherwise everything stays float32.

    float16 would need its losses scaled against underflow, and gains little over float32 on the old
    GPUs that know no bfloat16.
    """
    fast = choose_dtype(device) == torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)
