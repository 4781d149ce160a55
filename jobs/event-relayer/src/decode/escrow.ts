import { decodeLog, type EscrowEvent } from '@fusion-prime/chain/logs'
import { type EscrowFact, factId } from '@fusion-prime/events'
import type { Block, RawLog } from '../chain.ts'

/** What a log says, apart from the level that it has reached. */
export type FactBody = DistributiveOmit<EscrowFact, 'event_id' | 'finality' | 'incarnation' | 'reverts' | 'forced'>
type DistributiveOmit<Union, Keys extends PropertyKey> = Union extends unknown ? Omit<Union, Keys> : never

/** A log and how it was read; only what was `published` becomes a fact. */
export type ReadLog = { log: RawLog; fact_id: string } & (
  | { reading: 'published'; body: FactBody }
  | { reading: 'kept' | 'malformed' | 'unknown'; detail: string }
)

export type DecodeContext = {
  chain_id: number
  asset_symbol: string
  blocks: ReadonlyMap<string, Block>
  factories: ReadonlySet<string>
  /** Escrow to its factory: those known before, and those of this range. */
  escrows: ReadonlyMap<string, string>
}

/** Reads a log of a watched address. A deployment counts only from a watched factory, all else only from an escrow that one deployed. */
export function readLog(log: RawLog, context: DecodeContext): ReadLog {
  const { chain_id } = context
  const fact_id = factId({ ...log, chain_id })
  const decoded = decodeLog(log)
  if (decoded.kind === 'malformed') return { log, fact_id, reading: 'malformed', detail: decoded.reason }
  if (decoded.kind === 'unknown') return { log, fact_id, reading: 'unknown', detail: log.topics[0] ?? 'no topics' }
  const kept = (detail: string): ReadLog => ({ log, fact_id, reading: 'kept', detail })

  const isDeployment = decoded.event === 'EscrowDeployed'
  const factory_address = isDeployment ? log.address : context.escrows.get(log.address)
  if (!factory_address || (isDeployment && !context.factories.has(factory_address)))
    return kept(`${decoded.event} from a stranger`)
  const details = describe(decoded, context.asset_symbol)
  if (!details) return kept(`${decoded.event} is not published`)

  const block = context.blocks.get(log.block_hash)
  if (!block)
    throw new Error(
      `log ${log.log_index} of block ${log.block_number} names block ${log.block_hash}, which was not read`
    )
  const common = {
    fact_id,
    schema_version: 1 as const,
    chain_id,
    block_number: block.number,
    block_hash: block.hash,
    block_timestamp: new Date(block.timestamp * 1000).toISOString().replace('.000Z', 'Z'),
    transaction_hash: log.transaction_hash,
    log_index: log.log_index,
    factory_address,
    escrow_address: decoded.event === 'EscrowDeployed' ? decoded.args.escrow : log.address
  }
  return { log, fact_id, reading: 'published', body: { ...common, ...details } }
}

type Details = DistributiveOmit<
  FactBody,
  'fact_id' | 'schema_version' | 'chain_id' | 'factory_address' | 'escrow_address' | keyof PlaceFields
>
type PlaceFields = Pick<FactBody, 'block_number' | 'block_hash' | 'block_timestamp' | 'transaction_hash' | 'log_index'>

const ZERO = /^0x0{40}$/

/** The event's own fields; undefined for an event that is stored but not published. */
function describe(decoded: EscrowEvent, asset_symbol: string): Details | undefined {
  switch (decoded.event) {
    case 'EscrowDeployed': {
      const { payer, payee, arbiter, amount, releaseDelay, approvalsRequired } = decoded.args
      return {
        event_type: decoded.event,
        payer,
        payee,
        arbiter: arbiter === undefined || ZERO.test(arbiter) ? null : arbiter,
        amount: amount.toString(),
        asset_symbol,
        release_delay: releaseDelay?.toString() ?? null,
        approvals_required: approvalsRequired ?? null
      }
    }
    case 'ApprovalGranted':
      return { event_type: decoded.event, approver: decoded.args.approver }
    case 'EscrowReleased':
      return { event_type: decoded.event, payee: decoded.args.payee, amount: decoded.args.amount.toString() }
    case 'EscrowRefunded':
      return { event_type: decoded.event, payer: decoded.args.payer, amount: decoded.args.amount.toString() }
    case 'ArbiterChanged':
      return { event_type: decoded.event, old_arbiter: decoded.args.oldArbiter, new_arbiter: decoded.args.newArbiter }
    case 'EscrowCreated':
      return undefined
    default:
      return decoded satisfies never
  }
}
