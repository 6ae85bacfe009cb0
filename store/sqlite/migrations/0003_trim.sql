-- What Trim works on: tasks that ended, and decision records whose steps it
-- compresses (store.PackSteps); packed is NULL where they stand in steps as
-- text.
CREATE INDEX tasks_ended ON tasks (due_at) WHERE state IN ('done', 'cancelled');
ALTER TABLE decisions ADD COLUMN packed BLOB;
CREATE INDEX decisions_loose ON decisions (as_of) WHERE packed IS NULL;
