"""The catalogue: each mutant and sound control, the check that must see it, and the experiment that shows it."""
