"""The record types that the running and the judging half share. Pure."""
