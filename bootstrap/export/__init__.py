"""What leaves a run for other programs: the released LoRA with its model card, and the dataset of the run."""
