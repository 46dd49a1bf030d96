"""What must be true of a saved run beside its digests, worked out anew from what its manifest says. Reads files."""
