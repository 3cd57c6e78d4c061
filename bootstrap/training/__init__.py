"""Training: how a LoRA is trained, independent of why."""
