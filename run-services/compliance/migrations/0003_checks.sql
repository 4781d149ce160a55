-- The sanctions lists that decisions were made with, so that a decision can be made again.
create table sanctions_lists (
  sha256 text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
  version text not null,
  -- [[address, list], …]
  addresses jsonb not null,
  -- [{"name", "list"}, …]
  names jsonb not null,
  stored_at timestamptz not null default now()
);

-- The chain of decisions: hash = SHA-256 over prev_hash followed by the decision's canonical JSON (RFC 8785). All that was known stands
-- in the decision; the other columns are for finding it.
create table compliance_checks (
  check_id text primary key,
  -- 1, 2, 3, … without a gap
  position bigint not null unique check (position > 0),
  decision jsonb not null,
  prev_hash text not null check (prev_hash ~ '^[0-9a-f]{64}$'),
  hash text not null unique check (hash ~ '^[0-9a-f]{64}$'),
  user_id text not null generated always as (decision -> 'input' ->> 'user_id') stored,
  status text not null generated always as (decision ->> 'status') stored,
  -- ISO 8601 in UTC, to the millisecond
  decided_at text not null generated always as (decision ->> 'decided_at') stored
);
create index compliance_checks_by_user on compliance_checks (user_id, position);

-- The last link and the number of links, written with each decision: a tail that is cut off is missed.
create table audit_head (
  one boolean primary key default true check (one),
  count bigint not null check (count >= 0),
  hash text not null,
  -- the hash before the last decision
  prev_hash text not null,
  -- UTC day of the newest decision, and of the one before it
  day date,
  prev_day date
);
insert into audit_head (count, hash, prev_hash) values (0, repeat('0', 64), repeat('0', 64));

-- The head at the end of each day that was published.
create table audit_days (
  day date primary key,
  count bigint not null,
  hash text not null,
  published_at timestamptz not null default now()
);

-- What counts for the limits of a day: one row per check, of which a payment may have several (opening and release of an escrow).
create table compliance_payments (
  check_id text primary key,
  -- its decision's place in the chain
  position bigint not null unique,
  user_id text not null,
  -- checks of one payment have the same
  payment_ref text not null,
  -- null where there was no price
  amount_usd numeric,
  decided_at timestamptz not null,
  -- false: it was rejected here, or the command was rejected or failed
  counts boolean not null
);
create index compliance_payments_by_user on compliance_payments (user_id, decided_at) where counts;

-- Append-only twice over: no role has the right, and who takes it back, or is a superuser, meets the trigger.
revoke update, delete, truncate on compliance_checks, sanctions_lists, audit_days from public, current_user;

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only, % is refused', tg_table_name, lower(tg_op) using errcode = 'object_not_in_prerequisite_state';
end
$$;
create trigger compliance_checks_are_kept before update or delete or truncate on compliance_checks
  for each statement execute function refuse_audit_change();
create trigger sanctions_lists_are_kept before update or delete or truncate on sanctions_lists
  for each statement execute function refuse_audit_change();
create trigger audit_days_are_kept before update or delete or truncate on audit_days
  for each statement execute function refuse_audit_change();
