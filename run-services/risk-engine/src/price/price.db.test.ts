import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import type { Pool, Sql } from '@fusion-prime/postgres'
import { readConfig } from '@fusion-prime/runtime'
import { createRiskEngine, migrations } from '../app.ts'
import { RiskSettings } from '../config.ts'
import { createPricePushes } from './testing.ts'

let parts: TestParts
const pushOf = createPricePushes(() => new Date())
before(async () => {
  parts = await createTestParts('risk-engine', migrations)
})
after(() => parts?.close())

/** The same pool, and how often something was asked of it. */
function counted(pool: Sql): { sql: Sql; count(): number } {
  let count = 0
  const counting = (client: Sql): Sql =>
    new Proxy(client, {
      apply(target, _, args) {
        count += 1
        return Reflect.apply(target, undefined, args)
      },
      get(target, key) {
        const { begin } = target as Partial<Pool> // a transaction has none
        if (key !== 'begin' || !begin) return Reflect.get(target, key)
        return (work: (tx: Sql) => Promise<unknown>) => begin(tx => work(counting(tx)))
      }
    })
  return { sql: counting(pool), count: () => count }
}

/** Holders of the asset that moves; with HOLDERS=10000 the diagnostics tell what a price costs then. */
const HOLDERS = Number(process.env.HOLDERS ?? 2_000)

test('a price evaluates all holders with the same few statements, however many they are', async t => {
  const { sql, count } = counted(parts.sql)
  const app = createRiskEngine({ ...parts, sql })
  const holders = async (first: number, last: number) => parts.sql`
    insert into margin_watches (user_id, watched, collateral, borrow, assets)
    select 'user-' || n, true, '{"ETH": "1"}', '{"USDC": "100"}', '{ETH,USDC}' from generate_series(${first}::int, ${last}::int) as n`
  const pushed = async (usd: string) => {
    const before = count()
    const startedAt = performance.now()
    assert.equal((await app.inject(pushOf('ETH', usd))).statusCode, 204)
    t.diagnostic(`ETH at ${usd}: ${Math.round(performance.now() - startedAt)} ms`)
    return count() - before
  }
  await app.inject(pushOf('USDC', '1'))
  await holders(1, 5)
  await pushed('160')
  const few = await pushed('161')
  await holders(6, HOLDERS)
  await pushed('162')
  const many = await pushed('163')
  assert.equal(many, few)
  const [row] =
    await parts.sql`select count(*)::int as users, min(health_score) as low, max(health_score) as high from margin_watches`
  assert.deepEqual({ ...row }, { users: HOLDERS, low: '63', high: '63' })
  await pushed('145')
  const [told] = await parts.sql`
    select count(*)::int as alerts, count(distinct ordering_key)::int as users from outbox where topic = 'alerts.margin.v1'`
  assert.deepEqual({ ...told }, { alerts: HOLDERS, users: HOLDERS })
  await app.close()
})

test('beyond 10,000 holders they are evaluated in pages, each holder once', async () => {
  const app = createRiskEngine(parts)
  const users = 10_001
  await parts.sql`
    insert into margin_watches (user_id, watched, collateral, borrow, assets)
    select 'page-' || n, true, '{"YFI": "1"}', '{"USDC": "100"}', '{YFI,USDC}' from generate_series(1, ${users}::int) as n`
  for (const push of [pushOf('USDC', '1'), pushOf('YFI', '160'), pushOf('YFI', '145')])
    assert.equal((await app.inject(push)).statusCode, 204)
  const [told] = await parts.sql`
    select count(*)::int as alerts, count(distinct ordering_key)::int as users
    from outbox where topic = 'alerts.margin.v1' and ordering_key like 'page-%'`
  assert.deepEqual({ ...told }, { alerts: users, users })
  await app.close()
})

test('a price that wasn’t committed is told of as evaluated only when it came again', async () => {
  const app = createRiskEngine(parts)
  const told = () => parts.lines.filter(line => line.message === 'margins_evaluated').length
  const before = told()
  const push = pushOf('LINK', '18')
  const { sql } = parts
  await sql`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '40001'; end $$`
  await sql`
    create constraint trigger refuse after insert or update on prices deferrable initially deferred
    for each row execute function refuse()`
  assert.equal((await app.inject(push)).statusCode, 503)
  assert.equal(told(), before)
  await sql`drop function refuse cascade`
  assert.equal((await app.inject(push)).statusCode, 204)
  assert.equal(told(), before + 1)
  await app.close()
})

test('prices come through the subscription that the settings name, and no other', async () => {
  const PRICE_SUBSCRIPTION = 'prices-of-tests'
  const app = createRiskEngine(parts, readConfig(RiskSettings, { PRICE_SUBSCRIPTION }))
  const push = pushOf('BTC', '60000')
  assert.equal((await app.inject(push)).statusCode, 403)
  const subscription = `projects/test/subscriptions/${PRICE_SUBSCRIPTION}`
  assert.equal((await app.inject({ ...push, payload: { ...push.payload, subscription } })).statusCode, 204)
  await app.close()
})
