-- Instructions to settle: those that clients gave, and those that the relayer derived from final facts.
create table settlement_commands (
  command_id uuid primary key,
  command_type text not null check (command_type in ('open', 'release', 'refund')),
  workflow_id text not null,
  -- user_id towards risk-engine and compliance
  account_ref text not null,
  asset_symbol text not null,
  -- base units
  amount numeric(78, 0) not null check (
    amount between 0 and 115792089237316195423570985008687907853269984665640564039457584007913129639935
  ),
  payer text not null,
  payee text not null,
  escrow_address text,
  chain_id bigint,
  -- the finalized event of a fact from which the command was derived
  source_event_id uuid,
  -- SHA-256 of the body: the same id with another body is refused
  digest text not null,
  status text not null default 'received' check (status in ('received', 'processed', 'held', 'rejected', 'failed')),
  reason text,
  -- {risk_score, risk_level, margin_available in USD, degraded: the risk engine was away and its values are a fallback}
  risk jsonb,
  -- {status, checks, reasons}; the status is "unreachable" when compliance was away
  compliance jsonb,
  -- how often it was announced as held; numbers those announcements
  held_count integer not null default 0,
  -- when the callees were last asked, so that a sweep goes around
  tried_at timestamptz not null default now(),
  correlation_id text not null,
  traceparent text not null,
  -- to the millisecond, so that a cursor carries it exactly
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  check (status not in ('held', 'rejected', 'failed') or reason is not null),
  check (status <> 'held' or held_count > 0)
);
create index settlement_commands_by_age on settlement_commands (created_at, command_id);
create index settlement_commands_by_status on settlement_commands (status, created_at, command_id);
create index settlement_commands_by_account on settlement_commands (account_ref, created_at, command_id);
create index settlement_commands_to_try on settlement_commands (tried_at) where status = 'held' and reason = 'compliance_unreachable';

-- What operators decided about held commands: at most once per command, and for good.
create table command_resolutions (
  command_id uuid primary key references settlement_commands (command_id),
  -- why it was held
  held_reason text not null,
  resolved_to text not null check (resolved_to in ('processed', 'rejected')),
  reason text not null,
  resolved_by text not null,
  correlation_id text not null,
  resolved_at timestamptz(3) not null default now()
);
revoke update, delete, truncate on command_resolutions from public, current_user;

create function refuse_resolution_change() returns trigger language plpgsql as $$
begin
  raise exception 'command_resolutions is append-only, % is refused: it is the audit trail of operators', lower(tg_op)
    using errcode = 'object_not_in_prerequisite_state';
end
$$;
create trigger command_resolutions_are_kept before update or delete or truncate on command_resolutions
  for each statement execute function refuse_resolution_change();

-- What other services said last of an account; older news that comes late changes nothing.
create table account_notices (
  account_ref text not null,
  kind text not null check (kind in ('margin_status', 'risk_level', 'kyc_status')),
  value text not null,
  event_id uuid not null,
  occurred_at timestamptz not null,
  primary key (account_ref, kind)
);

-- Every compliance decision that settlement was told of.
create table decision_notices (
  event_id uuid primary key,
  check_id text not null,
  account_ref text not null,
  status text not null,
  reasons text[] not null,
  escrow_address text,
  occurred_at timestamptz not null
);
create index decision_notices_by_account on decision_notices (account_ref, occurred_at);

-- Every party of an escrow that was found on a sanctions list.
create table sanctions_notices (
  event_id uuid primary key,
  chain_id bigint not null,
  escrow_address text,
  address text not null,
  role text not null,
  list text not null,
  list_version text not null,
  occurred_at timestamptz not null
);
create index sanctions_notices_by_escrow on sanctions_notices (chain_id, escrow_address);
create index sanctions_notices_by_address on sanctions_notices (address);
