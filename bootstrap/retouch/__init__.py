"""Retouching: pictures enlarged, sharpened, cropped and painted over, always as copies; and what refuses a bad copy."""
