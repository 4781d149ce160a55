-- From which block on, and up to which, each factory's logs of each signature were relayed.
create table coverage (
  chain_id bigint not null,
  -- Lower-case hex of SHA-256 over the factory's address and the topic0.
  coverage_key text not null,
  factory_address text not null,
  topic0 text not null,
  from_block bigint not null,
  -- Null while it goes on; set when a factory or signature is watched no longer.
  until_block bigint,
  primary key (chain_id, coverage_key)
);

-- Filters that were added later. Each is read on its own from a block on, behind the checkpoint, and merges into it when it has come there.
create table lanes (
  chain_id bigint not null,
  -- Lower-case hex of SHA-256 over factories, topics and from_block.
  lane_key text not null,
  factories text[] not null,
  -- Null: all.
  topics text[],
  from_block bigint not null,
  block_number bigint not null,
  -- Null before the first range is read.
  block_hash text,
  created_at timestamptz not null default now(),
  merged_at timestamptz,
  primary key (chain_id, lane_key)
);

-- The lane that is still reading an escrow's history; null: watched live.
alter table escrows add column lane_key text;

-- A backfill under way: its grid of chunks, and up to which block its deployments are known.
create table backfills (
  chain_id bigint not null,
  -- Lower-case hex of SHA-256 over what is watched: rows of another filter are never committed.
  filter_key text not null,
  from_block bigint not null,
  to_block bigint not null,
  chunk_blocks bigint not null,
  scanned_number bigint not null,
  scanned_hash text not null,
  primary key (chain_id, filter_key, from_block, to_block)
);

create table backfill_deployments (
  chain_id bigint not null,
  filter_key text not null,
  escrow_address text not null,
  factory_address text not null,
  block_number bigint not null,
  primary key (chain_id, filter_key, escrow_address)
);

-- Ranges that were read and verified and wait to be committed in order.
create table staged_ranges (
  chain_id bigint not null,
  filter_key text not null,
  from_block bigint not null,
  to_block bigint not null,
  parent_hash text not null,
  last_hash text not null,
  -- Gzipped JSON of the blocks that are kept and of what was read in them.
  content bytea not null,
  staged_at timestamptz not null default now(),
  primary key (chain_id, filter_key, from_block)
);
