import type { StandingFact } from '@fusion-prime/escrow'
import { type EscrowFact, uuid8 } from '@fusion-prime/events'
import { outcomesOf } from '../escrow/escrow.ts'

export type TransferKind = 'pending' | 'post' | 'void' | 'counter'

/** A movement between two accounts; the amount is in base units. */
export type Entry = {
  fact_id: string
  kind: TransferKind
  chain_id: number
  escrow_address: string
  debit_account: string
  credit_account: string
  asset_symbol: string
  amount: string
  /** The transfer that a counter takes back, else null. */
  reverses: string | null
}

/** An entry as it stands in the ledger, for ever. */
export type Transfer = Entry & { transfer_id: string }

type Role = 'payer' | 'escrow' | 'payee'

/** Facts that move money once they are final. */
type SettlingFact = Extract<EscrowFact, { event_type: 'EscrowDeployed' | 'EscrowReleased' | 'EscrowRefunded' }>
type Deployment = Extract<EscrowFact, { event_type: 'EscrowDeployed' }>

const movements: Record<SettlingFact['event_type'], { kind: TransferKind; debit: Role; credit: Role }> = {
  EscrowDeployed: { kind: 'pending', debit: 'payer', credit: 'escrow' },
  EscrowReleased: { kind: 'post', debit: 'escrow', credit: 'payee' },
  EscrowRefunded: { kind: 'void', debit: 'escrow', credit: 'payer' }
}

export const settles = (body: EscrowFact): body is SettlingFact => body.event_type in movements
export const isDeployment = (body: EscrowFact): body is Deployment => body.event_type === 'EscrowDeployed'

/** `<role>:<chain_id>:<address>`. */
export const accountName = (role: Role, at: { chain_id: number; address: string }): string =>
  `${role}:${at.chain_id}:${at.address}`

/** What a fact moves of a deployment's deposit; the parties and the amount are always the deployment's. */
export function entryOf(deployment: Deployment, { event_type, fact_id }: SettlingFact): Entry {
  const { chain_id, escrow_address, payer, payee, asset_symbol, amount } = deployment
  const { kind, debit, credit } = movements[event_type]
  const addresses: Record<Role, string> = { payer, payee, escrow: escrow_address }
  const account = (role: Role) => accountName(role, { chain_id, address: addresses[role] })
  const accounts = { debit_account: account(debit), credit_account: account(credit) }
  return { fact_id, kind, chain_id, escrow_address, ...accounts, asset_symbol, amount, reverses: null }
}

/** The entries that the facts of an escrow call for: none, the deposit, or the deposit and its ending, as outcomesOf has them. */
export function settledEntries(timeline: readonly StandingFact[]): Entry[] {
  const bodies = new Map(timeline.map(({ body }) => [body.fact_id, body]))
  const facts = outcomesOf(timeline).flatMap(outcome => bodies.get(outcome.fact_id) ?? [])
  const deployment = facts.find(isDeployment)
  return deployment ? facts.filter(settles).map(fact => entryOf(deployment, fact)) : []
}

/** Transfers less countered pairs. */
export function standingTransfers<Row extends Transfer>(transfers: readonly Row[]): Row[] {
  const reversed = new Set(transfers.map(one => one.reverses))
  return transfers.filter(one => one.kind !== 'counter' && !reversed.has(one.transfer_id))
}

/** What takes a transfer back: the same between swapped accounts. */
export const counterOf = ({ transfer_id, ...entry }: Transfer): Entry => ({
  ...entry,
  kind: 'counter',
  debit_account: entry.credit_account,
  credit_account: entry.debit_account,
  reverses: transfer_id
})

/** The identity of an entry that comes after these: its fact, its kind, and how often they came before. */
export function transferId({ fact_id, kind }: Entry, before: readonly Transfer[]): string {
  const n = before.filter(one => one.fact_id === fact_id && one.kind === kind).length + 1
  return uuid8(`${fact_id}:${kind}:${n}`)
}

/**
 * What to add to an escrow's transfers, so that exactly these entries stand. From the first difference on what stands is countered,
 * newest first, and what is missing follows: so the escrow's balance is never negative in between.
 */
export function planTransfers(entries: readonly Entry[], stored: readonly Transfer[]): Transfer[] {
  const standing = standingTransfers(stored)
  const differs = standing.findIndex((transfer, index) => !saysTheSame(transfer, entries[index]))
  const kept = differs === -1 ? standing.length : differs
  const countered = standing.slice(kept).reverse().map(counterOf)
  return [...countered, ...entries.slice(kept)].map(entry => ({ transfer_id: transferId(entry, stored), ...entry }))
}

const said = ['fact_id', 'kind', 'debit_account', 'credit_account', 'asset_symbol', 'amount'] as const

export const saysTheSame = (a: Entry, b: Entry | undefined): boolean =>
  b !== undefined && said.every(field => a[field] === b[field])

/** Whether messages may have changed what is settled: a deployment or ending became final or lost its finality. Most are something else. */
export const maySettle = (arrived: readonly { body: EscrowFact }[]): boolean =>
  arrived.some(({ body }) => settles(body) && (body.finality === 'finalized' || body.forced === true))

/** What is wrong with an escrow's balances: after every transfer at least 0, at the end the deposit or, ended, 0. Amounts in base units. */
export function balanceFaults(transfers: readonly Transfer[], entries: readonly Entry[]): string[] {
  const [deposit, ending] = entries
  const expected = new Map(deposit && !ending ? [[deposit.asset_symbol, BigInt(deposit.amount)]] : [])
  const balances = new Map<string, bigint>([...expected.keys()].map(asset => [asset, 0n]))
  const faults = new Set<string>()
  for (const { chain_id, escrow_address, asset_symbol, amount, ...sides } of transfers) {
    const account = accountName('escrow', { chain_id, address: escrow_address })
    const before = balances.get(asset_symbol) ?? 0n
    const after = before + changeOf(account, { ...sides, amount })
    if (after < 0n) faults.add(`${asset_symbol} was negative (${after})`)
    balances.set(asset_symbol, after)
  }
  for (const [asset, balance] of balances) {
    const due = expected.get(asset) ?? 0n
    if (balance !== due) faults.add(`${asset} is ${balance} instead of ${due}`)
  }
  return [...faults]
}

/** What a transfer changes of an account: credits less debits. */
export function changeOf(
  account: string,
  transfer: Pick<Entry, 'debit_account' | 'credit_account' | 'amount'>
): bigint {
  if (account === transfer.credit_account) return BigInt(transfer.amount)
  return account === transfer.debit_account ? -BigInt(transfer.amount) : 0n
}
