"""The candidate: one commit and one round trip a step, guarded by a lease."""
