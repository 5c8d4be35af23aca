-- What each token allows, and of what: `reach` is `tenant` with the name '', `prefix`, or `repository`.
CREATE TABLE grants (
  token_id VARCHAR NOT NULL, role VARCHAR NOT NULL, reach VARCHAR NOT NULL, name VARCHAR NOT NULL
);
INSERT INTO grants SELECT token_id, role, 'tenant', '' FROM tokens;
ALTER TABLE tokens DROP COLUMN role;
