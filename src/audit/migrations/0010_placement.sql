-- Where the first start of the gateway put its objects, in one row: a gateway with another JURISDICTION would find other objects under the
-- same names, so it refuses to start.
CREATE TABLE placement (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- `none`: the platform chose the place.
  jurisdiction TEXT NOT NULL
) STRICT;
