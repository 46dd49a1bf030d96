-- What a task has kept, by name: its steps, and the events that it awaited.
SELECT checkpoint_name, state FROM absurd.c_cutover WHERE task_id = %s
