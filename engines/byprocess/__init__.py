"""Engines in processes of their own, in any language: the protocol, its messages, and an engine that speaks it."""
