-- Whoever was named in an escrow: payer, payee, and every arbiter. Always a function of the tables facts and fact_messages;
-- an escrow whose facts are all reverted has no rows.
create table escrow_parties (
  chain_id bigint not null,
  escrow_address text not null,
  role text not null check (role in ('payer', 'payee', 'arbiter')),
  address text not null,
  -- the escrow's
  status text not null check (status in ('funded', 'partially_approved', 'approved', 'released', 'refunded', 'incomplete')),
  primary key (chain_id, escrow_address, role, address)
);
create index escrow_parties_by_address on escrow_parties (address, chain_id, escrow_address);

-- What the sanctions lists say of an address, as of its last screening.
create table screenings (
  address text primary key,
  result text not null check (result in ('clear', 'match', 'unknown')),
  -- name of the list that has the address
  list text check ((list is not null) = (result = 'match')),
  -- of the file of lists; unknown means that no file could be used
  list_version text check ((list_version is null) = (result = 'unknown')),
  list_as_of timestamptz check ((list_as_of is null) = (result = 'unknown')),
  screened_at timestamptz not null
);
