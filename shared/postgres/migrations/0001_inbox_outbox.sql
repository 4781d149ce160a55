-- The inbox: a message that was handled, claimed in the same transaction as its effect.
create table processed_events (
  topic text not null,
  event_id uuid not null,
  -- SHA-256 of what must be the same whenever this event_id is sent.
  digest text not null,
  -- Deliveries after the first: harmless, and counted.
  duplicates bigint not null default 0,
  processed_at timestamptz not null default now(),
  primary key (topic, event_id)
);
create index processed_events_by_age on processed_events (processed_at);

-- The outbox: messages that are published after the transaction that wrote them, in the order of seq within a key.
create table outbox (
  seq bigint generated always as identity primary key,
  topic text not null,
  event_id uuid not null,
  ordering_key text not null,
  data text not null,
  attributes jsonb not null,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  unique (topic, event_id)
);
create index outbox_unpublished on outbox (seq) where published_at is null;
create index outbox_unpublished_by_key on outbox (topic, ordering_key, seq) where published_at is null;
