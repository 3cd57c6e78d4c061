"""Listeners: who hears events."""
