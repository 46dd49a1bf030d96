-- Which engine an execution was given: one row an execution, written once, before any engine hears of it, and never
-- changed. engine is the name of the engine that had the role then, since in the next rollout another one has it.
-- A row is small and outlives its execution on purpose: a start that was delayed for hours still finds it.
SELECT pg_advisory_xact_lock(hashtext('engines.install'));

CREATE TABLE IF NOT EXISTS orchestrator_assignments (
    execution_id uuid PRIMARY KEY,
    role         text NOT NULL CHECK (role IN ('control', 'candidate')),
    engine       text NOT NULL,
    bucket       integer NOT NULL CHECK (bucket BETWEEN 0 AND 9999),
    percent      numeric NOT NULL CHECK (percent BETWEEN 0 AND 100),
    salt         text NOT NULL,
    assigned_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
