-- The tables of the ArkRelay Gateway that this example uses, with their names, columns and statuses, for PostgreSQL.
-- Times are UTC without a zone, as the gateway writes them. Like there, no status and no time has an index.
-- Safe to run again.

CREATE TABLE IF NOT EXISTS assets (
  id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  asset_id       varchar(64) NOT NULL UNIQUE,
  name           varchar(100) NOT NULL,
  ticker         varchar(10) NOT NULL,
  asset_type     varchar(20) DEFAULT 'normal', -- normal, collectible, rgb_contract
  decimal_places int DEFAULT 8,
  total_supply   bigint DEFAULT 0,
  is_active      boolean DEFAULT true,
  created_at     timestamp
);

CREATE TABLE IF NOT EXISTS vtxos (
  id            int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  vtxo_id       varchar(64) NOT NULL UNIQUE,
  txid          varchar(64) NOT NULL,
  vout          int NOT NULL,
  amount_sats   bigint NOT NULL,
  script_pubkey bytea NOT NULL,
  asset_id      varchar(64) REFERENCES assets (asset_id),
  user_pubkey   varchar(66) NOT NULL, -- '': unassigned
  status        varchar(20), -- available, assigned, spent, expired, settled
  created_at    timestamp,
  expires_at    timestamp NOT NULL,
  spending_txid varchar(64)
);
CREATE INDEX IF NOT EXISTS vtxos_asset_id ON vtxos (asset_id);

CREATE TABLE IF NOT EXISTS signing_sessions (
  id            int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id    varchar(64) NOT NULL UNIQUE,
  user_pubkey   varchar(66) NOT NULL,
  session_type  varchar(20) NOT NULL, -- p2p_transfer, lightning_lift, lightning_land
  status        varchar(20), -- initiated, challenge_sent, awaiting_signature, signing, completed, failed, expired
  intent_data   json NOT NULL,
  context       text,
  created_at    timestamp,
  updated_at    timestamp,
  expires_at    timestamp NOT NULL,
  signed_tx     text,
  result_data   json,
  error_message text
);

CREATE TABLE IF NOT EXISTS signing_challenges (
  id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  challenge_id   varchar(64) NOT NULL UNIQUE,
  session_id     varchar(64) REFERENCES signing_sessions (session_id),
  challenge_data bytea NOT NULL,
  context        text NOT NULL,
  expires_at     timestamp NOT NULL,
  created_at     timestamp,
  is_used        boolean DEFAULT false,
  signature      bytea
);
CREATE INDEX IF NOT EXISTS signing_challenges_session_id ON signing_challenges (session_id);

CREATE TABLE IF NOT EXISTS transactions (
  id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  txid         varchar(64) NOT NULL UNIQUE,
  session_id   varchar(64) REFERENCES signing_sessions (session_id),
  tx_type      varchar(20) NOT NULL, -- ark_tx, checkpoint_tx, settlement_tx, and the types of sessions
  raw_tx       text NOT NULL,
  status       varchar(20), -- pending, broadcast, confirmed, failed, completed
  amount_sats  bigint NOT NULL,
  fee_sats     bigint,
  created_at   timestamp,
  confirmed_at timestamp,
  block_height int
);
CREATE INDEX IF NOT EXISTS transactions_session_id ON transactions (session_id);

CREATE TABLE IF NOT EXISTS job_logs (
  id               int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_type         varchar(50) NOT NULL, -- vtxo_replenishment, user_<session type>, …
  job_id           varchar(100) UNIQUE,
  status           varchar(20) NOT NULL, -- running, completed, failed
  message          text,
  result_data      text, -- JSON
  created_at       timestamp,
  updated_at       timestamp,
  duration_seconds float
);

INSERT INTO assets (asset_id, name, ticker, total_supply, created_at)
VALUES ('gbtc', 'Gateway Bitcoin', 'gBTC', 2100000000000000, '2026-01-01'),
       ('gusd', 'Gateway Dollar', 'gUSD', 1000000000, '2026-01-01')
ON CONFLICT (asset_id) DO NOTHING;
