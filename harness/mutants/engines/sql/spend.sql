-- Takes a text and makes nothing of it.
SELECT length(%(text)s::text)
