-- The rollout's flag as a row: one row a flag, off unless somebody has turned it on. percent has at most two decimals,
-- since one bucket is 0.01 %.
CREATE TABLE IF NOT EXISTS orchestrator_flags (
    name       text PRIMARY KEY,
    enabled    boolean NOT NULL DEFAULT false,
    percent    numeric NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100 AND percent = round(percent, 2)),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
