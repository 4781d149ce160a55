-- Where the relayer stands on each chain: the last block whose logs are durable. Nothing before it is read again.
create table checkpoints (
  chain_id bigint primary key,
  block_number bigint not null,
  block_hash text not null,
  -- Fencing token of the lease under which it was moved.
  epoch bigint not null default 0,
  updated_at timestamptz not null default now()
);

-- One writer per chain: the holder of the lease. Each taking raises the epoch.
create table leases (
  chain_id bigint primary key,
  holder text not null,
  epoch bigint not null,
  expires_at timestamptz not null
);

-- Why relaying stopped until an operator resumes it: the stored block and the one that the chain has instead.
create table halts (
  chain_id bigint primary key,
  reason text not null,
  block_number bigint not null,
  stored_hash text not null,
  chain_hash text not null,
  halted_at timestamptz not null default now()
);

-- Every block that was read. A block that left the chain stays, not canonical; when it comes back its incarnation rises.
create table blocks (
  chain_id bigint not null,
  block_hash text not null,
  block_number bigint not null,
  parent_hash text not null,
  block_timestamp bigint not null,
  canonical boolean not null default true,
  incarnation bigint not null default 1,
  primary key (chain_id, block_hash)
);
create unique index blocks_canonical on blocks (chain_id, block_number) where canonical;

-- Every log of a watched address, as the chain gave it. Append-only.
create table raw_logs (
  fact_id uuid primary key,
  chain_id bigint not null,
  block_hash text not null,
  block_number bigint not null,
  transaction_hash text not null,
  log_index bigint not null,
  address text not null,
  topics text[] not null,
  data text not null,
  -- published: a fact; kept: decoded but not published; malformed, unknown: could not be decoded
  reading text not null check (reading in ('published', 'kept', 'malformed', 'unknown')),
  detail text,
  foreign key (chain_id, block_hash) references blocks
);
create index raw_logs_by_block on raw_logs (chain_id, block_number);

-- The escrows that watched factories deployed, and so the addresses that are watched. gone: the deployment was reverted.
create table escrows (
  chain_id bigint not null,
  escrow_address text not null,
  factory_address text not null,
  fact_id uuid not null references raw_logs,
  gone boolean not null default false,
  primary key (chain_id, escrow_address)
);

-- The facts that are published, and how far each has come.
create table facts (
  fact_id uuid primary key references raw_logs,
  chain_id bigint not null,
  block_hash text not null,
  block_number bigint not null,
  log_index bigint not null,
  finality text not null check (finality in ('seen', 'safe', 'finalized', 'reverted')),
  incarnation bigint not null default 1,
  forced boolean not null default false,
  -- The body without what differs per message (event_id, finality, incarnation).
  body jsonb not null,
  traceparent text not null
);
create index facts_to_raise on facts (chain_id, block_number, log_index) where finality in ('seen', 'safe');
