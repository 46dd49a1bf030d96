INSERT INTO edge_logs (function_id, event_message) VALUES ('execute-workflow', %(message)s)
