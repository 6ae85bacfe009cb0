-- A ledger is one value (store.EncodeBalances) and no longer a row for each
-- member: a lead moves what every member of a pool is owed.
ALTER TABLE rotations ADD COLUMN balances text COLLATE "C" NOT NULL DEFAULT '';
UPDATE rotations SET balances = coalesce((
	SELECT json_agg(json_build_array(member, owed, count, CASE WHEN last_at = '0001-01-01T00:00:00.000000000Z' THEN '' ELSE last_at END) ORDER BY member)::text
	FROM balances WHERE balances.pool = rotations.pool), '');
DROP TABLE balances;
DO $$ BEGIN
	EXECUTE 'ALTER TABLE rotations ALTER COLUMN balances SET COMPRESSION lz4';
EXCEPTION WHEN syntax_error OR feature_not_supported OR invalid_parameter_value THEN
	NULL;
END $$;
