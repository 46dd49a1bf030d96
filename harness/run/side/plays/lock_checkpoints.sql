-- Keeps everybody from writing a checkpoint.
LOCK TABLE workflow_checkpoints IN SHARE MODE
