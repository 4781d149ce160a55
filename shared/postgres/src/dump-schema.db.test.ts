import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { createSql, type Pool } from './create-sql.ts'
import { dumpSchema } from './dump-schema.ts'

const schema = `
create type mood as enum ('good', 'so-so', 'it''s bad');
create sequence counter as bigint start 5 increment 2;
create table payer (
  id bigint generated always as identity primary key,
  "Name" text collate "C" not null default 'x',
  amount numeric(78,0) not null,
  doubled numeric generated always as (amount * 2) stored,
  mood mood,
  tags text[] not null default '{}',
  seen timestamptz(3),
  constraint amount_positive check (amount > 0),
  unique ("Name", amount)
);
create table escrow (payer_id bigint not null references payer on delete cascade, n serial, body jsonb);
create table by_day (day date not null, n int) partition by range (day);
create table by_day_2026 partition of by_day for values from ('2026-01-01') to ('2027-01-01');
create index escrow_body on escrow using gin (body jsonb_path_ops);
create unique index on payer (lower("Name")) where amount > 10;
create function touch() returns trigger language plpgsql as $$ begin new.seen := now(); return new; end $$;
create trigger payer_touch before update on payer for each row execute function touch();
create view rich as select id from payer where amount > 1000;
create table schema_migrations (name text primary key);`

const dumped = `\
create type mood as enum ('good', 'so-so', 'it''s bad');

create sequence counter as bigint start 5 increment 2;

create sequence escrow_n_seq as integer start 1 increment 1;

CREATE OR REPLACE FUNCTION public.touch()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ begin new.seen := now(); return new; end $function$;

create table by_day (
  day date not null,
  n integer
) partition by RANGE (day);

create table by_day_2026 partition of by_day FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');

create table escrow (
  payer_id bigint not null,
  n integer not null default nextval('escrow_n_seq'::regclass),
  body jsonb
);

create table payer (
  id bigint not null generated always as identity,
  "Name" text collate "C" not null default 'x'::text,
  amount numeric(78,0) not null,
  doubled numeric generated always as ((amount * (2)::numeric)) stored,
  mood mood,
  tags text[] not null default '{}'::text[],
  seen timestamp(3) with time zone,
  constraint payer_pkey PRIMARY KEY (id),
  constraint "payer_Name_amount_key" UNIQUE ("Name", amount),
  constraint amount_positive CHECK (amount > 0::numeric)
);

alter table escrow add constraint escrow_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES payer(id) ON DELETE CASCADE;

create view rich as
 SELECT id
   FROM payer
  WHERE amount > 1000::numeric;

CREATE INDEX escrow_body ON escrow USING gin (body jsonb_path_ops);

CREATE UNIQUE INDEX payer_lower_idx ON payer USING btree (lower("Name")) WHERE amount > 10::numeric;

CREATE TRIGGER payer_touch BEFORE UPDATE ON payer FOR EACH ROW EXECUTE FUNCTION touch();
`

describe('dumpSchema', () => {
  let database: TestDatabase
  let sql: Pool

  before(async () => {
    database = await testDatabase()
    sql = createSql({ url: database.url, max: 1, applicationName: 'test' })
  })
  after(async () => {
    await sql.end()
    await database.close()
  })
  beforeEach(async () => {
    await sql`drop schema public cascade`
    await sql`create schema public`
  })

  test('prints everything in the public schema, sorted, but the record of migrations', async () => {
    await sql.unsafe(schema)
    assert.equal(await dumpSchema(sql), dumped)
  })

  test('its text makes the same schema again', async () => {
    await sql.unsafe(dumped)
    assert.equal(await dumpSchema(sql), dumped)
  })

  test('does not depend on the order in which things were made', async () => {
    await sql.unsafe('create table a (id int primary key); create table b (id int); create index b_id on b (id)')
    const one = await dumpSchema(sql)
    await sql.unsafe(
      'drop table a, b; create table b (id int); create index b_id on b (id); create table a (id int primary key)'
    )
    assert.equal(await dumpSchema(sql), one)
  })
})
