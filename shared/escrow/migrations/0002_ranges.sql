-- What the relayer stated of finalized blocks: which facts they have. Every revision is kept; the newest of a range counts.
create table range_manifests (
  event_id uuid primary key,
  chain_id bigint not null,
  from_block bigint not null,
  from_hash text not null,
  to_block bigint not null check (to_block >= from_block),
  to_hash text not null,
  fact_count bigint not null check (fact_count >= 0),
  digest text not null,
  previous_digest text,
  revision bigint not null check (revision >= 1),
  received_at timestamptz not null default now(),
  unique (chain_id, from_block, to_hash, revision)
);
create index range_manifests_by_end on range_manifests (chain_id, to_block);

-- For the digests of a range.
create index facts_by_block on facts (chain_id, block_number);
