-- All executions, by something that no index has.
SELECT count(*) FROM workflow_executions WHERE error LIKE '%%never%%'
