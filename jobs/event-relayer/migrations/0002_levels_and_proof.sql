-- The clock by which leases are reckoned: the database's own, one for all relayers.
create function relayer_now() returns timestamptz language sql volatile as 'select clock_timestamp()';

alter table checkpoints
  -- First block that was ever read: where the manifests begin.
  add column first_block bigint,
  -- The highest blocks up to which facts were raised; they never go back, except by an operator's resume.
  add column safe_number bigint,
  add column finalized_number bigint;
update checkpoints set first_block = (
  select min(block_number) from blocks where blocks.chain_id = checkpoints.chain_id and canonical
);

-- The first block that a resume would read anew.
alter table halts add column resume_from bigint not null default 0;

-- What was published of each finalized range. Ranges follow each other without a gap; what a forced revert changed is superseded.
create table manifests (
  chain_id bigint not null,
  from_block bigint not null,
  from_hash text not null,
  to_block bigint not null,
  to_hash text not null,
  -- 1, or higher when later facts of a new factory or signature were added to the same range.
  revision bigint not null default 1,
  fact_count bigint not null,
  -- Lower-case hex of SHA-256 over the sorted fact_ids, joined by a line feed.
  digest text not null,
  previous_digest text,
  superseded boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (chain_id, from_block, to_hash, revision)
);
create index manifests_by_end on manifests (chain_id, to_block) where not superseded;

-- Whose logs could not be decoded; each pair is warned about once.
create table malformed_sources (
  chain_id bigint not null,
  address text not null,
  topic0 text not null,
  first_fact_id uuid not null,
  primary key (chain_id, address, topic0)
);

-- What was learned of each provider's limits. The key holds no part of the URL that could be a secret.
create table provider_limits (
  chain_id bigint not null,
  provider_key text not null,
  limits jsonb not null,
  updated_at timestamptz not null default now(),
  primary key (chain_id, provider_key)
);

-- Manifests digest the facts of a range, reverts look for those above a block.
create index facts_by_block on facts (chain_id, block_number);
