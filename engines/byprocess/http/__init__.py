"""Engines by HTTP: a service that is told what to do, and the activities that it asks for."""
