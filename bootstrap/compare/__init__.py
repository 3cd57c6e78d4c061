"""Compare: a finished LoRA, its checkpoints at several weights, unseen things, other LoRAs beside it; and advice.

Knows no order of stages: how pictures are ranked among a run's decoys is handed in by the command.
"""
