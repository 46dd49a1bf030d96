"""Broken engines, broken harnesses and sound controls: the proof that the harness would notice."""
