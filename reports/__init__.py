"""A run's verdict as JSON, terminal and Markdown, and the queries of the rollout plan."""
