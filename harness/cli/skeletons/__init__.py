"""What `cutover init engine` writes: an engine that works, in each language a folder."""
