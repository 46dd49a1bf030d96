"""How a difference between control and candidate is to be read: its class, a known flaw, noise, a waiver."""
