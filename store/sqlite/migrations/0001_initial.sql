-- Times are text of one width, 2026-11-02T09:30:00.000000000Z, always UTC: they
-- sort as they are and SQLite's date functions read them. The zero time is
-- 0001-01-01T00:00:00.000000000Z. Text is compared byte by byte (BINARY, the
-- default).

-- document is the versioned JSON of the lead; the other columns are copies of
-- parts of it that are searched.
CREATE TABLE leads (
	id          TEXT NOT NULL PRIMARY KEY,
	revision    INTEGER NOT NULL,
	owner       TEXT NOT NULL,
	owner_since TEXT NOT NULL,
	disposition TEXT NOT NULL,
	merged_into TEXT NOT NULL,
	document    TEXT NOT NULL
) STRICT;
CREATE INDEX leads_owned ON leads (owner, owner_since) WHERE merged_into = '' AND owner <> '';
CREATE INDEX leads_open ON leads (owner) WHERE merged_into = '' AND owner <> '' AND disposition = 'assigned';

-- The identifiers of the documents, to be found by. Leads that are merged away
-- have no rows here.
CREATE TABLE lead_identifiers (
	kind  TEXT NOT NULL,
	value TEXT NOT NULL,
	lead  TEXT NOT NULL,
	PRIMARY KEY (kind, value, lead)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
	id       TEXT NOT NULL PRIMARY KEY,
	document TEXT NOT NULL
) STRICT;
CREATE TABLE account_identifiers (
	kind    TEXT NOT NULL,
	value   TEXT NOT NULL,
	account TEXT NOT NULL,
	PRIMARY KEY (kind, value, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
	id       TEXT NOT NULL PRIMARY KEY,
	document TEXT NOT NULL
) STRICT;
CREATE TABLE contact_identifiers (
	kind    TEXT NOT NULL,
	value   TEXT NOT NULL,
	contact TEXT NOT NULL,
	PRIMARY KEY (kind, value, contact)
) STRICT, WITHOUT ROWID;

CREATE TABLE opportunities (
	id       TEXT NOT NULL PRIMARY KEY,
	account  TEXT NOT NULL,
	document TEXT NOT NULL
) STRICT;
CREATE INDEX opportunities_of ON opportunities (account, id);

CREATE TABLE reps (
	id       TEXT NOT NULL PRIMARY KEY,
	document TEXT NOT NULL
) STRICT;

CREATE TABLE events (
	seq    INTEGER PRIMARY KEY,
	kind   TEXT NOT NULL,
	lead   TEXT NOT NULL,
	at     TEXT NOT NULL,
	actor  TEXT NOT NULL,
	reason TEXT NOT NULL,
	source TEXT NOT NULL, -- Event.From
	target TEXT NOT NULL, -- Event.To
	attrs  TEXT NOT NULL  -- a JSON object, or '' if there are none
) STRICT;
CREATE INDEX events_of ON events (lead, seq);

CREATE TABLE decisions (
	lead     TEXT NOT NULL,
	revision INTEGER NOT NULL,
	as_of    TEXT NOT NULL,
	trigger  TEXT NOT NULL,
	playbook TEXT NOT NULL,
	outcome  TEXT NOT NULL,
	reason   TEXT NOT NULL,
	steps    TEXT NOT NULL, -- a JSON array, or '' if there are none
	PRIMARY KEY (lead, revision)
) STRICT;

CREATE TABLE idempotency_keys (
	key  TEXT NOT NULL PRIMARY KEY,
	lead TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
	key          TEXT NOT NULL PRIMARY KEY,
	kind         TEXT NOT NULL,
	lead         TEXT NOT NULL,
	due_at       TEXT NOT NULL,
	outside      INTEGER NOT NULL,
	priority     INTEGER NOT NULL,
	payload      TEXT NOT NULL,
	tokens       TEXT NOT NULL, -- a JSON array, or '' if there are none
	state        TEXT NOT NULL,
	attempts     INTEGER NOT NULL,
	lease        INTEGER NOT NULL,
	leased_until TEXT NOT NULL,
	free_at      TEXT NOT NULL, -- the later of due_at and leased_until
	last_error   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_of ON tasks (lead, due_at, key);
CREATE INDEX tasks_pending ON tasks (kind, priority, due_at, key) WHERE state = 'pending';
CREATE INDEX tasks_free ON tasks (kind, free_at) WHERE state = 'pending';

CREATE TABLE rotations (
	pool     TEXT NOT NULL PRIMARY KEY,
	revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE balances (
	pool    TEXT NOT NULL,
	member  TEXT NOT NULL,
	owed    INTEGER NOT NULL,
	count   INTEGER NOT NULL,
	last_at TEXT NOT NULL,
	PRIMARY KEY (pool, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE cache (
	key        TEXT NOT NULL PRIMARY KEY,
	lead       TEXT NOT NULL,
	data       BLOB NOT NULL,
	expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX cache_of ON cache (lead);
CREATE INDEX cache_expiring ON cache (expires_at);

CREATE TABLE costs (
	id       INTEGER PRIMARY KEY,
	provider TEXT NOT NULL,
	lead     TEXT NOT NULL,
	at       TEXT NOT NULL,
	amount   INTEGER NOT NULL,
	fields   TEXT NOT NULL, -- a JSON array, or '' if there are none
	matched  INTEGER NOT NULL
) STRICT;
CREATE INDEX costs_at ON costs (at, id, amount);
CREATE INDEX costs_of ON costs (provider, at, amount);

CREATE TABLE suppressions (
	token  TEXT NOT NULL PRIMARY KEY,
	reason TEXT NOT NULL,
	at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE playbooks (
	digest TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE playbook_files (
	digest TEXT NOT NULL,
	name   TEXT NOT NULL,
	data   BLOB NOT NULL,
	PRIMARY KEY (digest, name)
) STRICT;
