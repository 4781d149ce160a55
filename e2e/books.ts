import { type CommandOutcome, commandOutcomeId } from '@fusion-prime/events'
import { type Sql, transaction } from '@fusion-prime/postgres'
import { verifyChain } from '../run-services/compliance/src/audit/verify.ts'
import { auditLedger } from '../run-services/settlement/src/audit/audit-ledger.ts'
import { withSql } from './final-state.ts'

type Urls = Readonly<Record<string, string>>

/** What is wrong with the commands, the ledger and the chain of decisions, in words; empty when the books are in order. */
export async function bookFaults(urls: Urls): Promise<string[]> {
  return [...(await commandFaults(urls)), ...(await ledgerFaults(urls)), ...(await decisionFaults(urls))]
}

type Row = { command_id: string; status: CommandOutcome | 'received'; held_count: number }

/** Every command of the relayer was decided, and each decision about it was told once. */
async function commandFaults(urls: Urls): Promise<string[]> {
  const given = await withSql(urls.relayer_db, sql => eventIds(sql, 'settlement-commands'))
  const { rows, told } = await withSnapshot(urls.settlement_db, async tx => ({
    rows: await tx<Row[]>`select command_id, status, held_count from settlement_commands`,
    told: await eventIds(tx, 'settlement.events.v1')
  }))
  const undecided = rows.filter(row => row.status === 'received').length
  return [
    ...(given.length === 0 ? ['the relayer gave no command'] : []),
    ...(undecided > 0 ? [`${undecided} commands are undecided`] : []),
    ...compare('commands', { expected: given, actual: rows.map(row => row.command_id) }),
    ...compare('outcomes of commands', { expected: rows.flatMap(outcomeIds), actual: told })
  ]
}

/** A command may be held several times, and then comes out one way. */
function outcomeIds({ command_id, status, held_count }: Row): string[] {
  const held = Array.from({ length: held_count }, (_, index) =>
    commandOutcomeId({ command_id, outcome: 'held', n: index + 1 })
  )
  if (status === 'held' || status === 'received') return held
  return [...held, commandOutcomeId({ command_id, outcome: status, n: 1 })]
}

const ledgerFaults = (urls: Urls): Promise<string[]> =>
  withSnapshot(urls.settlement_db, async tx => {
    const faults: string[] = []
    const { escrows } = await auditLedger(tx, {
      onFault: ({ fault, escrow_address, detail }) =>
        void faults.push(`ledger: ${fault} at ${escrow_address}: ${detail}`)
    })
    return escrows === 0 ? ['the ledger has no escrow'] : faults
  })

const decisionFaults = (urls: Urls): Promise<string[]> =>
  withSql(urls.compliance_db, async sql => {
    const { checked, first_bad } = await verifyChain(sql)
    if (checked === 0) return ['compliance decided nothing']
    return first_bad ? [`chain of decisions: ${first_bad.problem} at ${first_bad.position}: ${first_bad.detail}`] : []
  })

/** Of an outbox, those about commands. */
async function eventIds(sql: Sql, topic: string): Promise<string[]> {
  const rows = await sql<{ event_id: string }[]>`
    select event_id from outbox where topic = ${topic} and attributes->>'event_type' like 'command%'`
  return rows.map(row => row.event_id)
}

/** All of one moment: what goes on meanwhile would look like a fault. */
const withSnapshot = <T>(url: string | undefined, read: (tx: Sql) => Promise<T>): Promise<T> =>
  withSql(url, sql =>
    transaction(sql, async tx => {
      await tx`set transaction isolation level repeatable read, read only`
      return read(tx)
    })
  )

/** Says what is missing and what is too much; what stands twice in one list has to stand twice in the other. */
export function compare(
  what: string,
  { expected, actual }: { expected: readonly string[]; actual: readonly string[] }
): string[] {
  const balance = new Map<string, number>()
  for (const item of expected) balance.set(item, (balance.get(item) ?? 0) + 1)
  for (const item of actual) balance.set(item, (balance.get(item) ?? 0) - 1)
  const missing = [...balance].filter(([, count]) => count > 0)
  const excess = [...balance].filter(([, count]) => count < 0)
  return [
    ...missing.slice(0, 1).map(([first]) => `${what}: ${missing.length} missing, as ${first}`),
    ...excess.slice(0, 1).map(([first]) => `${what}: ${excess.length} too many, as ${first}`)
  ]
}
