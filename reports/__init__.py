"""One report document, every format that is rendered from it, and the queries of the rollout plan."""
