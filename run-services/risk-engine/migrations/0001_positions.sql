-- Who has what at stake in the open escrows; always a function of the tables facts and fact_messages.
create table positions (
  chain_id bigint not null,
  escrow_address text not null,
  role text not null check (role in ('payer', 'payee', 'arbiter')),
  address text not null,
  asset_symbol text not null,
  -- base units
  amount numeric(78, 0) not null,
  status text not null check (status in ('funded', 'partially_approved', 'approved')),
  finality text not null check (finality in ('seen', 'safe', 'finalized')),
  updated_at timestamptz not null default now(),
  primary key (chain_id, escrow_address, role)
);
create index positions_by_address on positions (address, chain_id, escrow_address, role);
