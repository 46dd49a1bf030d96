-- Whether absurd's schema is in this database.
SELECT to_regnamespace('absurd') IS NOT NULL AS found
