-- Who may use a gateway: of each token's secret there is only its sha256, in hex.
CREATE TABLE tokens (
  token_id VARCHAR NOT NULL, tenant VARCHAR NOT NULL, role VARCHAR NOT NULL, note VARCHAR NOT NULL,
  sha256 VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL, expires_at TIMESTAMP, revoked_at TIMESTAMP
);
