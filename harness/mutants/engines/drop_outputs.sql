UPDATE workflow_executions SET output = NULL WHERE finished_at IS NOT NULL AND output IS NOT NULL
