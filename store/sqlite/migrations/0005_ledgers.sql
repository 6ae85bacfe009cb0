-- A ledger is one value (store.EncodeBalances) and no longer a row for each
-- member: a lead moves what every member of a pool is owed.
ALTER TABLE rotations ADD COLUMN balances TEXT NOT NULL DEFAULT '';
UPDATE rotations SET balances = coalesce((
	SELECT json_group_array(json_array(member, owed, count, CASE WHEN last_at = '0001-01-01T00:00:00.000000000Z' THEN '' ELSE last_at END) ORDER BY member)
	FROM balances WHERE balances.pool = rotations.pool), '');
DROP TABLE balances;
