"""What an adapter for an engine whose workflows are code is made of: `cutover.kit` is its public face."""
