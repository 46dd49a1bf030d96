"""Imports n8n workflows, and the executions that n8n recorded of them."""
