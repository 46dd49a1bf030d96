"""Engines that are spoken to by lines on standard input and output: their process, and what is said."""
