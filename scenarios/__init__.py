"""What the engines are asked to do: scenarios, recorded or generated."""
