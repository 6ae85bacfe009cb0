-- Decision records are the largest thing here and repeat themselves. Where the
-- server has it (PostgreSQL 14, built with LZ4), compressing them costs a tenth
-- of what its default does.
DO $$ BEGIN
	EXECUTE 'ALTER TABLE decisions ALTER COLUMN steps SET COMPRESSION lz4';
EXCEPTION WHEN syntax_error OR feature_not_supported OR invalid_parameter_value THEN
	NULL;
END $$;
CREATE INDEX tasks_ended ON tasks (due_at) WHERE state IN ('done', 'cancelled');
