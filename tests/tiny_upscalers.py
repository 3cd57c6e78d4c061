"""Tiny upscaling models of a real architecture, in files as people have them."""

import torch


def compact_file(path, scale=2, shift=0.0):
    """The file of a Compact (SRVGGNet) that repeats each pixel ``scale`` times, brighter by ``shift`` (0..1)."""
    from safetensors.torch import save_file
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

    model = SRVGGNetCompact(num_feat=4, num_conv=1, upscale=scale)
    last = model.body[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, shift)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(model.state_dict(), path)
    else:
        torch.save({"params": model.state_dict()}, path)
    return path
