-- One execution's task, by the key with which it was spawned.
SELECT task_id, params, state, completed_payload FROM absurd.t_cutover WHERE idempotency_key = %s
