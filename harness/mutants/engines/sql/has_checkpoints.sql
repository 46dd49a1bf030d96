SELECT to_regclass('workflow_checkpoints') IS NOT NULL
