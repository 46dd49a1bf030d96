-- How many executions there are.
SELECT count(*) FROM workflow_executions
