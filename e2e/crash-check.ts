import type { Address } from '@fusion-prime/chain'
import { createSql, type Pool } from '@fusion-prime/postgres'
import { compareEscrows } from '../shared/local/src/demo/compare.ts'
import { countEvents } from '../shared/local/src/demo/count.ts'
import { type DatabaseName, deployables, type ServiceName, serviceNames } from '../shared/local/src/deployables.ts'
import type { Stack } from '../shared/local/src/stack.ts'
import { bookFaults, compare } from './books.ts'
import { type ChainFact, readChainFacts } from './crash-chain.ts'
import { waiting } from './crash-unanswered.ts'
import { inboxFaults } from './inboxes.ts'

export type Figures = {
  escrows: number
  facts: number
  messages: number
  commands: number
  /** Messages that went out again, since the mark that they had was lost in a crash. */
  publishedAgain: number
  /** Deliveries after the first. */
  duplicates: Record<ServiceName, number>
}

/** Faults say in words what was lost, doubled or invented, or differs. */
export type Findings = Figures & { faults: string[] }

type Sent = { event_id: string; fact_id: string; finality: string; first: boolean }

const COMPARED_AT_ONCE = 20

/** Compares the chain, by a reading of its own, with what every part of the system made of it. */
export async function inspect(stack: Stack): Promise<Findings> {
  const { broker, file } = stack
  const facts = await readChainFacts(stack.chain)
  const factIds = facts.map(fact => fact.fact_id)
  const escrows = facts.filter(fact => fact.event === 'EscrowDeployed').map(fact => fact.escrow)
  const sent = await readSent(stack)
  const counts = await countEvents(file)
  const stats = broker.stats()
  const faults = [
    ...relayerFaults(factIds, sent),
    ...(await Promise.all(serviceNames.map(name => serviceFaults(stack, { name, factIds, sent })))).flat(),
    ...(await outcomeFaults(stack, facts)),
    ...(await commandFaults(stack, facts)),
    ...(await bookFaults(file.databases)),
    ...(await inboxFaults(file.databases)),
    ...counts.services.flatMap(({ service, missing, invented }) =>
      missing.length + invented.length === 0
        ? []
        : [`${service}: ${missing.length} missing, ${invented.length} invented`]
    ),
    ...(counts.unpublished > 0 ? [`${counts.unpublished} messages wait in the relayer’s outbox`] : []),
    ...Object.entries(stats).flatMap(([name, { published, deadLettered }]) =>
      deadLettered > 0 || (name.includes('-dlq') && published > 0) ? [`dead letters at ${name}`] : []
    ),
    ...(await escrowFaults(stack, escrows))
  ]
  return {
    escrows: escrows.length,
    facts: facts.length,
    messages: sent.length,
    commands: facts.filter(fact => commandTypes[fact.event]).length,
    publishedAgain: (stats['escrow-events-settlement']?.published ?? 0) - sent.length,
    // An entry for each service.
    duplicates: Object.fromEntries(counts.services.map(one => [one.service, one.duplicates])) as Figures['duplicates'],
    faults
  }
}

/** Whether settlement has heard that all there is on the chain is final, has decided all commands and told it on, and no push is unanswered. */
export async function isFinal(stack: Stack): Promise<boolean> {
  const facts = await readChainFacts(stack.chain)
  const commands = facts.filter(fact => commandTypes[fact.event])
  const [row] = await query(
    stack,
    'settlement_db',
    sql => sql<{ final: number; decided: number; waiting: number }[]>`
    select (select count(*)::int from fact_messages where finality = 'finalized') as final,
      (select count(*)::int from settlement_commands where ${isDecided(sql)}) as decided,
      (select count(*)::int from outbox where published_at is null) as waiting`
  )
  const unanswered = waiting(stack, serviceNames).some(count => count > 0)
  return row?.final === facts.length && row.decided === commands.length && row.waiting === 0 && !unanswered
}

/** What was held because compliance was away is tried again until it answers. */
const isDecided = (sql: Pool) => sql`status <> 'received' and reason is distinct from 'compliance_unreachable'`

const readSent = (stack: Stack): Promise<Sent[]> =>
  query(
    stack,
    'relayer_db',
    sql => sql<Sent[]>`
    select event_id, attributes->>'fact_id' as fact_id, attributes->>'finality' as finality, attributes->>'first' = 'true' as first
    from outbox where topic = 'escrow-events'`
  )

/** Every fact is told for the first time once, becomes final once, and is told at no level twice. */
function relayerFaults(factIds: readonly string[], sent: readonly Sent[]): string[] {
  const factsOf = (messages: readonly Sent[]) => messages.map(one => one.fact_id)
  const levels = sent.map(one => `${one.fact_id} ${one.finality}`)
  return [
    ...compare('first messages', { expected: factIds, actual: factsOf(sent.filter(one => one.first)) }),
    ...compare('final messages', {
      expected: factIds,
      actual: factsOf(sent.filter(one => one.finality === 'finalized'))
    }),
    ...compare('messages per level', { expected: [...new Set(levels)], actual: levels })
  ]
}

type Inbox = { name: ServiceName; factIds: readonly string[]; sent: readonly Sent[] }

async function serviceFaults(stack: Stack, { name, factIds, sent }: Inbox): Promise<string[]> {
  const { database } = deployables[name]
  const facts = await query(stack, database, sql => sql<{ fact_id: string }[]>`select fact_id from facts`)
  const messages = await query(stack, database, sql => sql<{ event_id: string }[]>`select event_id from fact_messages`)
  const meant = sent.filter(one => name === 'settlement' || one.first)
  return [
    ...compare(`facts of ${name}`, { expected: factIds, actual: facts.map(row => row.fact_id) }),
    ...compare(`messages of ${name}`, {
      expected: meant.map(one => one.event_id),
      actual: messages.map(row => row.event_id)
    })
  ]
}

/** Of each escrow one deposit was announced, and one ending if it has ended; with the amounts of the chain. */
async function outcomeFaults(stack: Stack, facts: readonly ChainFact[]): Promise<string[]> {
  type Row = { event_type: string; escrow: string; amount: string; published: boolean }
  const rows = await query(
    stack,
    'settlement_db',
    sql => sql<Row[]>`
    select attributes->>'event_type' as event_type, data::jsonb->>'escrow_address' as escrow, data::jsonb->>'amount' as amount,
      published_at is not null as published
    from outbox where topic = 'settlement.events.v1' and attributes->>'event_type' like 'escrow%'`
  )
  const outcomes: Record<string, string> = {
    EscrowDeployed: 'escrow_funded',
    EscrowReleased: 'escrow_released',
    EscrowRefunded: 'escrow_refunded'
  }
  const expected = facts.flatMap(({ event, escrow, amount }) =>
    outcomes[event] ? [`${outcomes[event]} ${escrow} ${amount}`] : []
  )
  const actual = rows.map(({ event_type, escrow, amount }) => `${event_type} ${escrow} ${amount}`)
  const unpublished = rows.filter(row => !row.published).length
  return [
    ...compare('outcomes of settlement', { expected, actual }),
    ...(unpublished > 0 ? [`${unpublished} outcomes wait in settlement’s outbox`] : [])
  ]
}

/** The command that follows from a fact once it is final. */
const commandTypes: Readonly<Record<string, string>> = {
  EscrowDeployed: 'open',
  EscrowReleased: 'release',
  EscrowRefunded: 'refund'
}

/** About each escrow there is one command for its deposit, and one for its ending if it has ended; nothing is left undecided. */
async function commandFaults(stack: Stack, facts: readonly ChainFact[]): Promise<string[]> {
  type Row = { command_type: string; escrow_address: string; decided: boolean }
  const rows = await query(
    stack,
    'settlement_db',
    sql => sql<Row[]>`select command_type, escrow_address, ${isDecided(sql)} as decided from settlement_commands`
  )
  const undecided = rows.filter(row => !row.decided).length
  const faults = compare('commands by escrow', {
    expected: facts.flatMap(({ event, escrow }) => (commandTypes[event] ? [`${commandTypes[event]} ${escrow}`] : [])),
    actual: rows.map(({ command_type, escrow_address }) => `${command_type} ${escrow_address}`)
  })
  return undecided > 0 ? [...faults, `${undecided} commands wait for compliance, which is there`] : faults
}

async function escrowFaults({ file }: Stack, escrows: readonly Address[]): Promise<string[]> {
  const faults: string[] = []
  for (let from = 0; from < escrows.length; from += COMPARED_AT_ONCE) {
    for (const row of await compareEscrows(file, escrows.slice(from, from + COMPARED_AT_ONCE)))
      if (!row.agrees || row.finality !== 'finalized') faults.push(`the parts differ: ${JSON.stringify(row)}`)
  }
  return faults
}

async function query<Row>(stack: Stack, database: DatabaseName, read: (sql: Pool) => Promise<Row>): Promise<Row> {
  const sql = createSql({ url: stack.postgres.urls[database], max: 1, applicationName: 'crashes' })
  try {
    return await read(sql)
  } finally {
    await sql.end()
  }
}
