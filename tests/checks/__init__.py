"""The pages of docs/checks as tests: a notation for short histories, the check of each page, the generated list."""
