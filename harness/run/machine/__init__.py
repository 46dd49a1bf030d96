"""What the machine and its server need for next to nothing, measured beside a run."""
