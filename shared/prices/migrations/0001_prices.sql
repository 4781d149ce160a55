-- The newest price of each asset. The exact text is kept: a numeric column would lose trailing zeros, a float digits.
create table prices (
  asset_symbol text collate "C" primary key,
  -- USD per whole unit, as published
  price_usd text not null check (price_usd ~ '^(0|[1-9][0-9]*)([.][0-9]+)?$'),
  -- rises with every price of the asset
  sequence bigint not null check (sequence >= 0),
  observed_at timestamptz not null,
  -- stale after this time
  valid_until timestamptz not null,
  updated_at timestamptz not null default now()
);

-- The last price of each UTC day: what daily returns are made of.
create table price_closes (
  asset_symbol text collate "C" not null,
  day date not null,
  price_usd text not null check (price_usd ~ '^(0|[1-9][0-9]*)([.][0-9]+)?$'),
  sequence bigint not null check (sequence >= 0),
  observed_at timestamptz not null,
  primary key (asset_symbol, day)
);
