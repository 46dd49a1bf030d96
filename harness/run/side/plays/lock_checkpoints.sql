-- Keeps everybody from writing a checkpoint.
SET LOCAL lock_timeout = '2s';
LOCK TABLE workflow_checkpoints IN SHARE MODE
