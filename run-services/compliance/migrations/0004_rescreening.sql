-- Which list judged: a version is its publisher's word, the hash says whether the entries are the same. Null: not known, or no list.
alter table screenings add column list_sha256 text;
create index screenings_by_list on screenings (list_sha256);

-- Parties that were announced as matches, so that each is announced once; gone when the address is clear again.
create table escrow_matches (
  chain_id bigint not null,
  escrow_address text not null,
  role text not null,
  address text not null,
  list text not null,
  list_version text not null,
  found_at timestamptz not null,
  primary key (chain_id, escrow_address, role, address)
);
create index escrow_matches_by_address on escrow_matches (address);

-- How far each list has come through all parties and names; the work itself is found by what was not screened by the list yet.
create table rescreenings (
  list_sha256 text not null,
  -- a list may come back after another one was in force
  list_as_of timestamptz not null,
  list_version text not null,
  addresses bigint not null default 0,
  names bigint not null default 0,
  matches bigint not null default 0,
  started_at timestamptz not null,
  -- when nothing was left for the first time
  finished_at timestamptz,
  primary key (list_sha256, list_as_of)
);
