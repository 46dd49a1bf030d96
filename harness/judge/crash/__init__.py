"""What must hold of executions that were interrupted."""
