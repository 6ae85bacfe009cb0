-- Every table stands in the schema that the store was opened with.
--
-- Times are text of one width, 2026-11-02T09:30:00.000000000Z, always UTC: they
-- keep their nanoseconds and the years 1 to 9999, which timestamptz does not,
-- sort as they are, and are cast as they are (at::timestamptz). Text is compared
-- byte by byte (COLLATE "C"), whatever the collation of the database.

-- document is the versioned JSON of the lead; the other columns are copies of
-- parts of it that are searched.
CREATE TABLE leads (
	id          text COLLATE "C" NOT NULL PRIMARY KEY,
	revision    bigint NOT NULL,
	owner       text COLLATE "C" NOT NULL,
	owner_since text COLLATE "C" NOT NULL,
	disposition text COLLATE "C" NOT NULL,
	merged_into text COLLATE "C" NOT NULL,
	document    json NOT NULL
);
CREATE INDEX leads_owned ON leads (owner, owner_since) WHERE merged_into = '' AND owner <> '';
CREATE INDEX leads_open ON leads (owner) WHERE merged_into = '' AND owner <> '' AND disposition = 'assigned';

-- The identifiers of the documents, to be found by. Leads that are merged away
-- have no rows here. A value of more than 1,024 bytes stands as its beginning
-- and the SHA-256 of the whole; so does a key in idempotency_keys.
CREATE TABLE lead_identifiers (
	kind  text COLLATE "C" NOT NULL,
	value text COLLATE "C" NOT NULL,
	lead  text COLLATE "C" NOT NULL,
	PRIMARY KEY (kind, value, lead)
);
CREATE INDEX lead_identifiers_of ON lead_identifiers (lead);

CREATE TABLE accounts (
	id       text COLLATE "C" NOT NULL PRIMARY KEY,
	document json NOT NULL
);
CREATE TABLE account_identifiers (
	kind    text COLLATE "C" NOT NULL,
	value   text COLLATE "C" NOT NULL,
	account text COLLATE "C" NOT NULL,
	PRIMARY KEY (kind, value, account)
);
CREATE INDEX account_identifiers_of ON account_identifiers (account);

CREATE TABLE contacts (
	id       text COLLATE "C" NOT NULL PRIMARY KEY,
	document json NOT NULL
);
CREATE TABLE contact_identifiers (
	kind    text COLLATE "C" NOT NULL,
	value   text COLLATE "C" NOT NULL,
	contact text COLLATE "C" NOT NULL,
	PRIMARY KEY (kind, value, contact)
);
CREATE INDEX contact_identifiers_of ON contact_identifiers (contact);

CREATE TABLE opportunities (
	id       text COLLATE "C" NOT NULL PRIMARY KEY,
	account  text COLLATE "C" NOT NULL,
	document json NOT NULL
);
CREATE INDEX opportunities_of ON opportunities (account, id);

CREATE TABLE reps (
	id       text COLLATE "C" NOT NULL PRIMARY KEY,
	document json NOT NULL
);

-- The journal, in parts of so many entries, so that old parts can be moved or
-- dropped whole. The store adds parts ahead of need; what outruns them goes to
-- the default part. seq is given under a lock that lasts until the commit, so
-- that a reader who goes on from the last one misses nothing.
CREATE SEQUENCE events_seq;
CREATE TABLE events (
	seq    bigint NOT NULL DEFAULT nextval('events_seq') PRIMARY KEY,
	kind   text COLLATE "C" NOT NULL,
	lead   text COLLATE "C" NOT NULL,
	at     text COLLATE "C" NOT NULL,
	actor  text COLLATE "C" NOT NULL,
	reason text COLLATE "C" NOT NULL,
	source text COLLATE "C" NOT NULL, -- Event.From
	target text COLLATE "C" NOT NULL, -- Event.To
	attrs  text COLLATE "C" NOT NULL  -- a JSON object, or '' if there are none
) PARTITION BY RANGE (seq);
ALTER SEQUENCE events_seq OWNED BY events.seq;
CREATE INDEX events_of ON events (lead, seq);
CREATE TABLE events_rest PARTITION OF events DEFAULT;

CREATE TABLE decisions (
	lead     text COLLATE "C" NOT NULL,
	revision bigint NOT NULL,
	as_of    text COLLATE "C" NOT NULL,
	trigger  text COLLATE "C" NOT NULL,
	playbook text COLLATE "C" NOT NULL,
	outcome  text COLLATE "C" NOT NULL,
	reason   text COLLATE "C" NOT NULL,
	steps    text COLLATE "C" NOT NULL, -- a JSON array, or '' if there are none
	PRIMARY KEY (lead, revision)
);

CREATE TABLE idempotency_keys (
	key  text COLLATE "C" NOT NULL PRIMARY KEY,
	lead text COLLATE "C" NOT NULL
);

CREATE TABLE tasks (
	key          text COLLATE "C" NOT NULL PRIMARY KEY,
	kind         text COLLATE "C" NOT NULL,
	lead         text COLLATE "C" NOT NULL,
	due_at       text COLLATE "C" NOT NULL,
	outside      boolean NOT NULL,
	priority     bigint NOT NULL,
	payload      text COLLATE "C" NOT NULL,
	tokens       text COLLATE "C" NOT NULL, -- a JSON array, or '' if there are none
	state        text COLLATE "C" NOT NULL,
	attempts     bigint NOT NULL,
	lease        bigint NOT NULL,
	leased_until text COLLATE "C" NOT NULL,
	free_at      text COLLATE "C" NOT NULL, -- the later of due_at and leased_until
	last_error   text COLLATE "C" NOT NULL
);
CREATE INDEX tasks_of ON tasks (lead, due_at, key);
CREATE INDEX tasks_pending ON tasks (kind, priority, due_at, key) WHERE state = 'pending';
CREATE INDEX tasks_free ON tasks (kind, free_at) WHERE state = 'pending';

CREATE TABLE rotations (
	pool     text COLLATE "C" NOT NULL PRIMARY KEY,
	revision bigint NOT NULL
);
CREATE TABLE balances (
	pool    text COLLATE "C" NOT NULL,
	member  text COLLATE "C" NOT NULL,
	owed    bigint NOT NULL,
	count   bigint NOT NULL,
	last_at text COLLATE "C" NOT NULL,
	PRIMARY KEY (pool, member)
);

CREATE TABLE cache (
	key        text COLLATE "C" NOT NULL PRIMARY KEY,
	lead       text COLLATE "C" NOT NULL,
	data       bytea NOT NULL,
	expires_at text COLLATE "C" NOT NULL
);
CREATE INDEX cache_of ON cache (lead);
CREATE INDEX cache_expiring ON cache (expires_at);

CREATE TABLE costs (
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	provider text COLLATE "C" NOT NULL,
	lead     text COLLATE "C" NOT NULL,
	at       text COLLATE "C" NOT NULL,
	amount   bigint NOT NULL,
	fields   text COLLATE "C" NOT NULL, -- a JSON array, or '' if there are none
	matched  boolean NOT NULL
);
CREATE INDEX costs_at ON costs (at, id) INCLUDE (amount);
CREATE INDEX costs_of ON costs (provider, at) INCLUDE (amount);

CREATE TABLE suppressions (
	token  text COLLATE "C" NOT NULL PRIMARY KEY,
	reason text COLLATE "C" NOT NULL,
	at     text COLLATE "C" NOT NULL
);

CREATE TABLE playbooks (
	digest text COLLATE "C" NOT NULL PRIMARY KEY
);
CREATE TABLE playbook_files (
	digest text COLLATE "C" NOT NULL,
	name   text COLLATE "C" NOT NULL,
	data   bytea NOT NULL,
	PRIMARY KEY (digest, name)
);
