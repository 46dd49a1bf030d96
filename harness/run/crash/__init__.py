"""Kills engines at every point where a process can die, resumes them, and records what came of it."""
