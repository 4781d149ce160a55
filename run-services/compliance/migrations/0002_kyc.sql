-- Who users are: a case per application. A user's newest case is the one that counts.
create table kyc_cases (
  case_id uuid primary key,
  -- the order in which cases were opened
  seq bigint not null unique generated always as identity,
  -- an EVM address in lower case, or any other name that callers give a user
  user_id text not null,
  status text not null check (status in ('created', 'pending', 'verified', 'rejected', 'review', 'expired')),
  -- a verification is valid for so many days from here
  verified_at timestamptz check ((verified_at is not null) or status <> 'verified'),
  -- number of its transitions
  transitions integer not null check (transitions > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index kyc_cases_one_open on kyc_cases (user_id) where status not in ('rejected', 'expired');
create index kyc_cases_by_user on kyc_cases (user_id, seq);
create index kyc_cases_by_verification on kyc_cases (verified_at) where status = 'verified';

-- The personal data of a case, and nothing else has any. The row goes when it is erased.
create table kyc_identities (
  case_id uuid primary key references kyc_cases (case_id),
  full_name text not null,
  -- ISO 3166-1 alpha-2
  country text not null check (country ~ '^[A-Z]{2}$'),
  -- sha256 of the sanctions list that last screened the name; null: none did
  screened_by text,
  -- of that list: an older one doesn't undo what a newer one said
  screened_as_of timestamptz check ((screened_as_of is null) = (screened_by is null)),
  -- the entry that the name is like, until an operator dismisses it
  match_list text,
  match_name text check ((match_name is null) = (match_list is null)),
  match_score double precision check ((match_score is null) = (match_list is null)),
  -- entries that an operator found to be somebody else: `<list>: <name>`
  dismissed text[] not null default '{}'
);
create index kyc_identities_by_list on kyc_identities (screened_by);

create table kyc_transitions (
  case_id uuid not null references kyc_cases (case_id),
  n integer not null,
  from_status text check ((from_status is null) = (n = 1)),
  to_status text not null,
  -- in somebody's own words, so it is erased with the identity
  reason text,
  actor text not null,
  at timestamptz not null,
  primary key (case_id, n)
);
