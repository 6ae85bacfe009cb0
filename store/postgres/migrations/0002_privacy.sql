-- The consent ledger, and what an erasure looks for by lead.
CREATE TABLE consents (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	token   text COLLATE "C" NOT NULL,
	purpose text COLLATE "C" NOT NULL,
	state   text COLLATE "C" NOT NULL,
	basis   text COLLATE "C" NOT NULL,
	region  text COLLATE "C" NOT NULL,
	wording text COLLATE "C" NOT NULL,
	proof   text COLLATE "C" NOT NULL,
	source  text COLLATE "C" NOT NULL,
	at      text COLLATE "C" NOT NULL
);
CREATE INDEX consents_of ON consents (token);
CREATE INDEX idempotency_keys_of ON idempotency_keys (lead);
