-- The consent ledger, and what an erasure looks for by lead.
CREATE TABLE consents (
	id      INTEGER PRIMARY KEY,
	token   TEXT NOT NULL,
	purpose TEXT NOT NULL,
	state   TEXT NOT NULL,
	basis   TEXT NOT NULL,
	region  TEXT NOT NULL,
	wording TEXT NOT NULL,
	proof   TEXT NOT NULL,
	source  TEXT NOT NULL,
	at      TEXT NOT NULL
) STRICT;
CREATE INDEX consents_of ON consents (token);
CREATE INDEX idempotency_keys_of ON idempotency_keys (lead);
