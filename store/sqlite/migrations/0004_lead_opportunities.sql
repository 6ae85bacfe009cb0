-- The opportunities that came from a lead, whatever account they are at.
CREATE INDEX opportunities_from ON opportunities (document ->> '$.lead') WHERE document ->> '$.lead' IS NOT NULL;
