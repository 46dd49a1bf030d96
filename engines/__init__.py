"""The engine contract and the engines that meet it."""
