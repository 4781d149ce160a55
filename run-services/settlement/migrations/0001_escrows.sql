-- What the facts of each escrow fold into; always a function of the tables facts and fact_messages.
create table escrows (
  chain_id bigint not null,
  escrow_address text not null,
  factory_address text,
  payer text,
  payee text,
  arbiter text,
  -- base units
  amount numeric(78, 0),
  asset_symbol text,
  approvals_required bigint,
  approvals text[] not null,
  status text not null check (status in ('funded', 'partially_approved', 'approved', 'released', 'refunded', 'reverted', 'incomplete')),
  finality text not null check (finality in ('seen', 'safe', 'finalized')),
  anomalies text[] not null,
  updated_at timestamptz not null default now(),
  primary key (chain_id, escrow_address)
);
create index escrows_by_address on escrows (escrow_address);
create index escrows_by_status on escrows (status, chain_id, escrow_address);
create index escrows_by_payer on escrows (payer, chain_id, escrow_address);
create index escrows_by_payee on escrows (payee, chain_id, escrow_address);
