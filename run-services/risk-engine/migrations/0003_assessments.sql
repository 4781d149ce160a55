-- Every assessment of a user's portfolio, as it was answered.
create table risk_metrics (
  -- rises within a user, since a user's assessments are made one after the other
  assessment_id bigint generated always as identity primary key,
  user_id text not null,
  assessed_at timestamptz not null,
  -- 0 to 1; null where an asset has no fresh price
  risk_score numeric check (risk_score between 0 and 1),
  risk_level text not null check (risk_level in ('low', 'medium', 'high', 'critical', 'unpriceable')),
  -- USD
  total_value_usd numeric check (total_value_usd >= 0),
  borrow_usd numeric check (borrow_usd >= 0),
  margin_available numeric check (margin_available >= 0),
  -- concentration, 0 to 1
  hhi numeric check (hhi between 0 and 1),
  -- daily deviation, as a fraction
  sigma_day numeric check (sigma_day >= 0),
  -- how many
  positions int not null check (positions >= 0),
  unpriceable text[] not null,
  correlation_id text not null,
  check ((risk_level = 'unpriceable') = (risk_score is null)),
  check ((risk_level = 'unpriceable') = (unpriceable <> '{}'))
);
create index risk_metrics_by_user on risk_metrics (user_id, assessment_id desc);

-- How each user stood last, and how often that was told.
create table risk_standings (
  user_id text primary key,
  -- null until the first assessment ends
  risk_level text check (risk_level in ('low', 'medium', 'high', 'critical', 'unpriceable')),
  level_changes bigint not null default 0 check (level_changes >= 0)
);

-- What became of the commands for which users were assessed, matched by the correlation id.
create table command_outcomes (
  command_id uuid primary key,
  workflow_id text not null,
  correlation_id text not null,
  escrow_address text,
  outcome text not null check (outcome in ('processed', 'held', 'rejected', 'failed')),
  reason text,
  received_at timestamptz not null default now()
);
create index command_outcomes_by_correlation on command_outcomes (correlation_id, received_at desc);
