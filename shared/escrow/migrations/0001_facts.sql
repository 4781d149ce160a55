-- Facts of the chain as they were received; nothing is ever deleted to undo one.
create table facts (
  fact_id uuid primary key,
  chain_id bigint not null,
  escrow_address text not null,
  block_number bigint not null,
  log_index bigint not null,
  -- The body of the first message that told of the fact; its level may have changed since (fact_messages).
  body jsonb not null
);
create index facts_by_escrow on facts (chain_id, escrow_address, block_number, log_index);

-- Which levels each incarnation of a fact has reached, and its reverts.
create table fact_messages (
  fact_id uuid not null references facts,
  incarnation bigint not null,
  finality text not null check (finality in ('seen', 'safe', 'finalized', 'reverted')),
  forced boolean not null,
  event_id uuid not null,
  correlation_id text not null,
  received_at timestamptz not null default now(),
  primary key (fact_id, incarnation, finality)
);
