-- The start does not wait for its log line: a table that somebody holds gives up soon.
SET LOCAL statement_timeout = '2s';
INSERT INTO edge_logs (function_id, event_message) VALUES ('execute-workflow', %(message)s)
