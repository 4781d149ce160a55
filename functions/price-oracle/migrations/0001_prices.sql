-- One row per asset: the price that was published last, and one that waits to be confirmed. A round locks its rows, so two rounds at once
-- never give one sequence to two prices.
create table price_rounds (
  asset_symbol text primary key,
  -- 0 before the first price; rises by one with each.
  sequence bigint not null default 0 check (sequence >= 0),
  price_usd numeric check (price_usd > 0),
  observed_at timestamptz,
  -- A price too far from the last one: published only if a later round finds it too.
  held_price_usd numeric check (held_price_usd > 0),
  held_at timestamptz,
  check ((sequence = 0) = (price_usd is null)),
  check ((price_usd is null) = (observed_at is null)),
  check ((held_price_usd is null) = (held_at is null))
);
