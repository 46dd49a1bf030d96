"""The engine in Python; `cutover init engine` copies it."""
