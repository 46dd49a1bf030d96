"""Says whether the next share of traffic may move from one workflow engine to the next."""
