import type { Header } from '../chain.ts'
import type { ReadLog } from '../decode/escrow.ts'
import { type Difference, differing, NOTHING } from './difference.ts'
import type { Covers } from './scope.ts'
import type { Stored, StoredEscrow, StoredFact, StoredLog } from './stored.ts'

/** The chain's side of a range, and up to which block it is final. */
export type OnChain = {
  headers: readonly Header[]
  reads: readonly ReadLog[]
  /** The factories of escrows that were deployed in the range. */
  born: ReadonlyMap<string, string>
  finalized: number
  covers: Covers
  /** Logs of unknown signatures were asked for: by topics alone nobody gives them. */
  unknownToo: boolean
}

export function compareRange(stored: Stored, chain: OnChain): Difference[] {
  return [
    ...compareBlocks(stored, chain),
    ...compareRawLogs(stored, chain),
    ...compareFacts(stored, chain),
    ...compareEscrows(stored, chain)
  ]
}

/** Below the finalized block only some blocks are kept; those above it are all needed to find a fork. */
function compareBlocks({ blocks, checkpoint }: Stored, { headers }: OnChain): Difference[] {
  const kept = new Map(blocks.map(block => [block.number, block]))
  const finalized = checkpoint?.finalized_number ?? -1
  return headers.flatMap((header): Difference[] => {
    const { number, hash, parent_hash, timestamp } = header
    const place = { block_number: number, fact_id: null }
    const found: Difference[] = []
    if (checkpoint?.number === number && checkpoint.hash !== hash)
      found.push({ kind: 'checkpoint_differs', ...place, stored: checkpoint.hash, chain: hash })
    const block = kept.get(number)
    const fields = { hash, parent_hash, timestamp }
    if (!block && number > finalized) found.push({ kind: 'block_missing', ...place, stored: NOTHING, chain: hash })
    const different = block && differing(pick(block, fields), fields)
    if (different) found.push({ kind: 'block_differs', ...place, ...different })
    return found
  })
}

function compareRawLogs({ logs }: Stored, { reads, covers, unknownToo }: OnChain): Difference[] {
  const isCompared = ({ log, reading }: { log: StoredLog | ReadLog['log']; reading: ReadLog['reading'] }) =>
    (unknownToo || reading !== 'unknown') && covers({ ...log, topic0: log.topics[0] ?? '' })
  const given = new Map(reads.filter(isCompared).map(read => [read.fact_id, read]))
  const kept = new Map(logs.filter(log => isCompared({ log, reading: log.reading })).map(log => [log.fact_id, log]))
  return [...new Set([...given.keys(), ...kept.keys()])].flatMap((fact_id): Difference[] => {
    const [read, log] = [given.get(fact_id), kept.get(fact_id)]
    const chain = read && rawFields({ ...read.log, reading: read.reading })
    const stored = log && rawFields(log)
    const block_number = read?.log.block_number ?? log?.block_number ?? -1
    return judge({ table: 'raw_log', place: { block_number, fact_id }, stored, chain })
  })
}

const rawFields = ({ topics, ...log }: Omit<StoredLog, 'fact_id'>) => ({
  block_number: log.block_number,
  block_hash: log.block_hash,
  transaction_hash: log.transaction_hash,
  log_index: log.log_index,
  address: log.address,
  topics: topics.join(','),
  data: log.data,
  reading: log.reading
})

function compareFacts({ facts, checkpoint }: Stored, { reads, covers, finalized }: OnChain): Difference[] {
  const covered = reads.filter(({ log }) => covers({ ...log, topic0: log.topics[0] ?? '' }))
  const given = new Map(covered.flatMap(read => (read.reading === 'published' ? [[read.fact_id, read.body]] : [])))
  const kept = new Map(facts.filter(covers).map(fact => [fact.fact_id, fact]))
  return [...new Set([...given.keys(), ...kept.keys()])].flatMap((fact_id): Difference[] => {
    const [body, fact] = [given.get(fact_id), kept.get(fact_id)]
    const place = { block_number: body?.block_number ?? fact?.block_number ?? -1, fact_id }
    const found = judge({
      table: 'fact',
      place,
      stored: fact && factFields(fact),
      chain: body && factFields({ ...body, body })
    })
    const level = fact && body && levelFault(fact, { chain: finalized, stored: checkpoint?.finalized_number ?? -1 })
    if (level) found.push({ kind: 'fact_differs', ...place, ...level })
    return found
  })
}

/** The columns that repeat the body must say the same as it does. */
const factFields = ({ body, ...columns }: Pick<StoredFact, 'body' | 'block_number' | 'block_hash' | 'log_index'>) => ({
  ...body,
  'column block_number': columns.block_number,
  'column block_hash': columns.block_hash,
  'column log_index': columns.log_index
})

function levelFault(
  { finality, block_number }: StoredFact,
  finalized: { stored: number; chain: number }
): { stored: string; chain: string } | undefined {
  if (finality === 'finalized' && block_number > finalized.chain)
    return { stored: 'finality="finalized"', chain: `finalized up to block ${finalized.chain}` }
  if (finality !== 'finalized' && block_number <= Math.min(finalized.stored, finalized.chain))
    return { stored: `finality="${finality}"`, chain: `finalized up to block ${finalized.chain}` }
  return undefined
}

function compareEscrows({ escrows }: Stored, { reads, born, covers }: OnChain): Difference[] {
  const first = new Map<string, StoredEscrow>()
  for (const read of reads) {
    if (read.reading !== 'published' || read.body.event_type !== 'EscrowDeployed') continue
    const { escrow_address, factory_address, fact_id, block_number } = read.body
    const isCovered = covers({ ...read.log, topic0: read.log.topics[0] ?? '' })
    if (isCovered && born.has(escrow_address) && !first.has(escrow_address))
      first.set(escrow_address, { escrow_address, factory_address, fact_id, block_number })
  }
  const kept = new Map(escrows.filter(isOfCovered(covers)).map(escrow => [escrow.escrow_address, escrow]))
  return [...new Set([...first.keys(), ...kept.keys()])].flatMap(escrow => {
    const [chain, stored] = [first.get(escrow), kept.get(escrow)]
    const { block_number = -1, fact_id = null } = chain ?? stored ?? {}
    return judge({ table: 'escrow', place: { block_number, fact_id }, stored, chain })
  })
}

/** A deployment is its factory's log; whichever of its signatures it has, they are covered alike. */
const isOfCovered =
  (covers: Covers) =>
  ({ factory_address, block_number }: StoredEscrow): boolean =>
    covers({ address: factory_address, topic0: '', block_number })

function judge({
  table,
  place,
  stored,
  chain
}: {
  table: 'raw_log' | 'fact' | 'escrow'
  place: { block_number: number; fact_id: string | null }
  stored: object | undefined
  chain: object | undefined
}): Difference[] {
  const different = differing({ ...stored }, { ...chain })
  if (!different) return []
  if (!stored) return [{ kind: `${table}_missing`, ...place, stored: NOTHING, chain: different.chain }]
  if (!chain) return [{ kind: `${table}_extra`, ...place, stored: different.stored, chain: NOTHING }]
  return [{ kind: `${table}_differs`, ...place, ...different }]
}

const pick = <From extends object>(from: From, like: object) =>
  Object.fromEntries(Object.entries(from).filter(([name]) => name in like))
