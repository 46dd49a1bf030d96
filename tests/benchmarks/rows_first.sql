-- An execution begins: $1 id, $2 definition, $3 step, $4 input, $5 state, $6 checksum, $7 metadata.
WITH execution AS (
    INSERT INTO executions VALUES ($1, 'running', $3, 1, 4, 1, '2030-01-01T00:00:00+00:00', $2)
),
begun AS (
    INSERT INTO steps VALUES ($1, 'start', 'completed', 1, $4, $4, clock_timestamp(), clock_timestamp()),
                             ($1, $3, 'running', 1, $4, NULL, clock_timestamp(), NULL)
),
history AS (
    INSERT INTO events VALUES ($1, 1, 'STATE_TRANSITION', NULL, 'pending START running'),
                              ($1, 2, 'STATE_TRANSITION', 'start', 'pending START running'),
                              ($1, 3, 'STATE_TRANSITION', 'start', 'running COMPLETE completed'),
                              ($1, 4, 'STATE_TRANSITION', $3, 'pending START running')
)
INSERT INTO checkpoints VALUES ($1, 1, $3, 4, $5, $6, $7)
