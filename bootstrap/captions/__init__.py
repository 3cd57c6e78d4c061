"""Captions: prompts and captions from shots and seeds; contradictions in tags."""
