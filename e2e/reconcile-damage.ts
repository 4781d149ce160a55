import { createSql, type Sql } from '@fusion-prime/postgres'
import { deployables, type ServiceName } from '../shared/local/src/deployables.ts'
import type { Stack } from '../shared/local/src/stack.ts'

/** What must be found: `<service> <kind> <what> <escrow>`. */
export type Expected = string

type Fact = { escrow_address: string; fact_id: string }
type Damage = (sql: Sql, lost: string) => Promise<Expected[]>

/** Works in a service's database as somebody who is allowed everything, past triggers and grants. */
async function asIntruder<T>(
  { postgres }: Stack,
  { service, work }: { service: ServiceName; work(sql: Sql): Promise<T> }
): Promise<T> {
  const url = new URL(postgres.adminUrl)
  url.pathname = deployables[service].database
  const sql = createSql({ url: url.href, max: 1, applicationName: 'intruder' })
  try {
    await sql`set session_replication_role = replica`
    return await work(sql)
  } finally {
    await sql.end()
  }
}

/** A fact of that type for each escrow; those of the escrow whose facts get lost are last. */
const factsOf = (sql: Sql, { type, lost }: { type: string; lost: string }) => sql<Fact[]>`
  select * from (
    select distinct on (escrow_address) escrow_address, fact_id from facts
    where body ->> 'event_type' = ${type} order by escrow_address, block_number, log_index
  ) as facts
  order by escrow_address = ${lost}, escrow_address`

/** Takes from a list, from its front or its end; fails where nothing is left. */
function taking<Item>(items: readonly Item[]) {
  const left = [...items]
  const given = (item: Item | undefined): Item => {
    if (item === undefined) throw new Error(`more than ${items.length} are needed`)
    return item
  }
  return { next: () => given(left.shift()), last: () => given(left.pop()) }
}

async function lose(sql: Sql, { fact_id }: Fact): Promise<void> {
  await sql`delete from fact_messages where fact_id = ${fact_id}`
  await sql`delete from facts where fact_id = ${fact_id}`
}

/** In a field from which nothing else follows. */
const alterBody = (sql: Sql, { fact_id }: Fact) =>
  sql`update facts set body = jsonb_set(body, '{block_timestamp}', '"2001-01-01T00:00:00Z"') where fact_id = ${fact_id}`

const damageSettlement: Damage = async (sql, lost) => {
  const released = taking(await factsOf(sql, { type: 'EscrowReleased', lost }))
  await lose(sql, released.last())
  const [one, two, three, four, five] = [1, 2, 3, 4, 5].map(() => released.next().escrow_address)
  const altered = released.next()
  await alterBody(sql, altered)
  await sql`delete from escrows where escrow_address = ${one ?? ''}`
  await sql`update escrows set status = 'refunded' where escrow_address = ${two ?? ''}`
  await sql`delete from ledger_transfers where escrow_address = ${two ?? ''}`
  await sql`delete from ledger_transfers where escrow_address = ${three ?? ''} and kind = 'pending'`
  await sql`delete from ledger_transfers where escrow_address = ${four ?? ''} and kind = 'post'`
  await sql`update ledger_transfers set amount = amount + 1 where escrow_address = ${five ?? ''} and kind = 'post'`
  return [
    `settlement missing fact ${lost}`,
    `settlement altered fact ${altered.escrow_address}`,
    `settlement missing escrow ${one}`,
    `settlement altered escrow ${two}`,
    ...[two, two, three, four].map(escrow => `settlement missing ledger ${escrow}`),
    `settlement altered ledger ${five}`
  ]
}

const damageRisk: Damage = async (sql, lost) => {
  const approvals = taking(await factsOf(sql, { type: 'ApprovalGranted', lost }))
  await lose(sql, approvals.last())
  const altered = approvals.next()
  await alterBody(sql, altered)
  const open = taking(
    await sql<
      Fact[]
    >`select escrow_address from positions where role = 'payer' and escrow_address <> ${lost} order by escrow_address`
  )
  const [gone, doubled] = [open.next().escrow_address, open.next().escrow_address]
  const removed = await sql`delete from positions where escrow_address = ${gone}`
  await sql`update positions set amount = amount * 2 where escrow_address = ${doubled} and role = 'payee'`
  const ended = taking(await factsOf(sql, { type: 'EscrowReleased', lost })).next().escrow_address
  await sql`
    insert into positions (chain_id, escrow_address, role, address, asset_symbol, amount, status, finality)
    select chain_id, ${ended}, role, address, asset_symbol, amount, status, finality from positions limit 1`
  await sql`delete from range_manifests where from_block = (select min(from_block) from range_manifests)`
  return [
    `risk-engine missing fact ${lost}`,
    `risk-engine altered fact ${altered.escrow_address}`,
    'risk-engine missing manifest null',
    ...Array.from({ length: removed.count }, () => `risk-engine missing position ${gone}`),
    `risk-engine altered position ${doubled}`,
    `risk-engine extra position ${ended}`
  ]
}

const damageCompliance: Damage = async (sql, lost) => {
  const deployments = taking(await factsOf(sql, { type: 'EscrowDeployed', lost }))
  await lose(sql, deployments.last())
  const [altered, third, fourth] = [deployments.next(), deployments.next(), deployments.next()]
  await alterBody(sql, altered)
  await sql`delete from escrow_parties where escrow_address = ${third.escrow_address} and role = 'payee'`
  await sql`update escrow_parties set status = 'incomplete' where escrow_address = ${fourth.escrow_address} and role = 'payer'`
  const payers = taking(
    await sql<{ address: string; escrows: string[] }[]>`
      select address, jsonb_agg(distinct escrow_address) as escrows from escrow_parties
      where role = 'payer' and address not in (select address from escrow_parties where escrow_address = ${lost})
      group by address order by address`
  )
  const [unscreened, accused] = [payers.next(), payers.next()]
  await sql`delete from screenings where address = ${unscreened.address}`
  await sql`update screenings set result = 'match', list = 'somebody’s own' where address = ${accused.address}`
  return [
    `compliance missing fact ${lost}`,
    `compliance altered fact ${altered.escrow_address}`,
    `compliance missing party ${third.escrow_address}`,
    `compliance altered party ${fourth.escrow_address}`,
    ...unscreened.escrows.map(escrow => `compliance missing screening ${escrow}`),
    ...accused.escrows.map(escrow => `compliance altered screening ${escrow}`)
  ]
}

/** Tables whose rows are altered, with what names a row. */
const tables: Record<ServiceName, { damage: Damage; keys: Record<string, string> }> = {
  settlement: {
    damage: damageSettlement,
    keys: { facts: 'fact_id', escrows: 'escrow_address', ledger_transfers: 'transfer_id' }
  },
  'risk-engine': { damage: damageRisk, keys: { facts: 'fact_id', positions: 'escrow_address, role' } },
  compliance: {
    damage: damageCompliance,
    keys: { facts: 'fact_id', escrow_parties: 'escrow_address, role, address', screenings: 'address' }
  }
}
const services = Object.keys(tables) as ServiceName[] // the keys of the record above

/** Deletes and alters rows of all services by hand, an escrow for each kind of damage; answers what must be found. */
export async function damage(stack: Stack): Promise<Expected[]> {
  const [escrow] = await asIntruder(stack, {
    service: 'settlement',
    work: sql => factsOf(sql, { type: 'EscrowReleased', lost: '' })
  })
  const lost = escrow?.escrow_address ?? ''
  const expected = services.map(service => {
    const { damage, keys } = tables[service]
    const work = async (sql: Sql) => {
      await sql`create schema kept`
      for (const table of Object.keys(keys)) await sql`create table kept.${sql(table)} as table ${sql(table)}`
      return damage(sql, lost)
    }
    return asIntruder(stack, { service, work })
  })
  return (await Promise.all(expected)).flat()
}

/** Puts back what was altered, and takes away what was added. */
export async function restore(stack: Stack): Promise<void> {
  for (const service of services)
    await asIntruder(stack, {
      service,
      async work(sql) {
        for (const [table, key] of Object.entries(tables[service].keys)) await restoreTable(sql, { table, key })
      }
    })
}

async function restoreTable(sql: Sql, { table, key }: { table: string; key: string }): Promise<void> {
  const name = sql(table)
  const columns = sql.unsafe(key)
  await sql`delete from ${name} where (${columns}) not in (select ${columns} from kept.${name})`
  await sql`
    delete from ${name} as here where exists (
      select from kept.${name} as there where (here.*) is distinct from (there.*) and ${sameKey(sql, key)}
    )`
  await sql`
    insert into ${name} overriding system value select * from kept.${name} as there
    where not exists (select from ${name} as here where ${sameKey(sql, key)})`
}

const sameKey = (sql: Sql, key: string) =>
  sql.unsafe(
    key
      .split(', ')
      .map(one => `here.${one} = there.${one}`)
      .join(' and ')
  )
