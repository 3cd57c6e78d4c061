"""Backends: the only room that knows diffusers."""
