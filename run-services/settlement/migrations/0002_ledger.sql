-- Double entry: each row moves an amount from its debit account to its credit account. Rows are never changed; a counter takes one back.
-- No foreign keys: checking one of the table to itself needs the right to update, which nobody has, and a transfer outlives a lost
-- fact. `npm run audit -- ledger` finds what they would have refused.
create table ledger_transfers (
  transfer_id uuid primary key,
  -- The order of insertion; within an escrow it is that of commits, since its transactions wait for each other.
  seq bigint not null generated always as identity,
  -- The deployment or ending that settled it; a counter has that of the transfer that it reverses.
  fact_id uuid not null,
  kind text not null check (kind in ('pending', 'post', 'void', 'counter')),
  chain_id bigint not null,
  escrow_address text not null,
  debit_account text not null,
  credit_account text not null,
  asset_symbol text not null,
  -- base units, at most 2^256 - 1; the upper bound also refuses NaN
  amount numeric(78, 0) not null check (
    amount between 0 and 115792089237316195423570985008687907853269984665640564039457584007913129639935
  ),
  reverses uuid,
  created_at timestamptz not null default now(),
  check (debit_account <> credit_account),
  check ((kind = 'counter') = (reverses is not null))
);
create index ledger_transfers_by_escrow on ledger_transfers (chain_id, escrow_address, seq);
create index ledger_transfers_by_debit on ledger_transfers (debit_account);
create index ledger_transfers_by_credit on ledger_transfers (credit_account);
create unique index ledger_transfers_reversed_once on ledger_transfers (reverses) where reverses is not null;

-- Append-only twice over: no role has the right, and who takes it back, or is a superuser, meets the trigger.
revoke update, delete, truncate on ledger_transfers from public, current_user;

create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
  raise exception 'ledger_transfers is append-only, % is refused: a counter transfer takes a transfer back', lower(tg_op)
    using errcode = 'object_not_in_prerequisite_state';
end
$$;
create trigger ledger_transfers_are_kept before update or delete or truncate on ledger_transfers
  for each statement execute function refuse_ledger_change();
