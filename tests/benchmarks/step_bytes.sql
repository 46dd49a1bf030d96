-- Bytes of a step's rows in all of V2's tables: the mean of the first 50 activity steps, of the last 50, and their number.
WITH rows AS (
    SELECT step_id, pg_column_size(s.*) AS bytes FROM workflow_step_executions s WHERE execution_id = %(id)s
    UNION ALL
    SELECT step_id, pg_column_size(e.*) FROM workflow_events e WHERE execution_id = %(id)s AND step_id IS NOT NULL
    UNION ALL
    SELECT step_id, pg_column_size(m.*) FROM workflow_metrics m WHERE execution_id = %(id)s
    UNION ALL
    SELECT node_id, pg_column_size(c.*) FROM workflow_checkpoints c WHERE execution_id = %(id)s AND version > 1
),
steps AS (
    SELECT step_id, sum(bytes) AS bytes, row_number() OVER (ORDER BY step_id) AS place, count(*) OVER () AS steps
    FROM rows
    WHERE step_id <> 'start'
    GROUP BY step_id
)
-- The first and the last step share a commit with what is no step, so they stand aside.
SELECT avg(bytes) FILTER (WHERE place BETWEEN 2 AND 51), avg(bytes) FILTER (WHERE place BETWEEN steps - 50 AND steps - 1),
       max(steps)
FROM steps
