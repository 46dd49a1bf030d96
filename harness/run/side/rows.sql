-- What has been done to the rows of all tables of this database so far; those of ended sessions are all counted.
SELECT
    coalesce(sum(seq_tup_read), 0)::bigint,
    (SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes),
    coalesce(sum(idx_tup_fetch), 0)::bigint,
    coalesce(sum(n_tup_ins), 0)::bigint,
    coalesce(sum(n_tup_upd), 0)::bigint,
    coalesce(sum(n_tup_del), 0)::bigint
FROM pg_stat_user_tables
