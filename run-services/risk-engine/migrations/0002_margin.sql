-- Users whose margin is evaluated again whenever a price moves.
create table margin_watches (
  user_id text collate "C" primary key,
  -- false once watching was stopped: the row stays, since `messages` numbers all that is ever published about the user
  watched boolean not null,
  -- {"ETH": "1.5"}: whole units as decimal texts
  collateral jsonb not null check (jsonb_typeof(collateral) = 'object'),
  borrow jsonb not null check (jsonb_typeof(borrow) = 'object'),
  -- the assets of both
  assets text[] not null,
  -- null until the transaction that begins to watch evaluates
  status text check (status in ('HEALTHY', 'WARNING', 'MARGIN_CALL', 'LIQUIDATION', 'UNPRICEABLE')),
  -- the last one known, to 2 places: UNPRICEABLE leaves it; null without debt
  health_score numeric,
  -- how many thresholds (50, 30, 15, from the top) aren't armed; null before the first score
  alerted smallint check (alerted between 0 and 3),
  -- messages about the user so far: n of the next one's event_id is one more
  messages bigint not null default 0 check (messages >= 0),
  evaluated_at timestamptz
) with (fillfactor = 70); -- a price rewrites every holder's row: room for its next version on the same page
create index margin_watches_by_asset on margin_watches using gin (assets) where watched;
create index margin_watches_by_status on margin_watches (status, user_id) where watched;
