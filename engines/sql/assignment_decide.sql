-- Decides where an execution belongs, once: whoever comes later, and whoever came at the same time, is told what was
-- decided first. DO UPDATE, which changes nothing, since DO NOTHING would not return the row that another session has
-- just written; it leaves an xmax behind, which a new row has not.
INSERT INTO orchestrator_assignments AS a (execution_id, role, engine, bucket, percent, salt)
VALUES (%(id)s, %(role)s, %(engine)s, %(bucket)s, %(percent)s, %(salt)s)
ON CONFLICT (execution_id) DO UPDATE SET execution_id = a.execution_id
RETURNING a.role, a.engine, a.bucket, a.percent, a.salt, a.xmax = 0
