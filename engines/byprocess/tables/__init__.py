"""A journal that is read from a team's own tables, by the mapping in `cutover.toml`."""
