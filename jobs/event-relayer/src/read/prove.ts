import { topicsOf } from '@fusion-prime/chain/logs'
import type { Header, RawLog } from '../chain.ts'
import { parseBloom } from '../proof/bloom.ts'
import { WrongAnswer } from '../providers/pool.ts'
import { RpcFault } from '../providers/rpc.ts'
import { createWatchSet, type WatchSet } from '../watch.ts'
import { type Births, birthsIn, factoriesOf, isRelayed } from './births.ts'
import { mapBounded } from './bounded.ts'
import { type Finding, findingAt } from './finding.ts'
import type { Gathered } from './gather.ts'
import { compareLogs, orderedLogs } from './order.ts'
import type { Reader } from './reader.ts'

export type Proven = { logs: RawLog[]; births: Births; findings: Finding[] }

type IsRelayed = (address: string, block: number) => boolean

/** Blocks whose receipts are held at once: they are what takes memory. */
const RECEIPTS_AT_ONCE = 8

const knownTopics = new Set<string>(topicsOf())

/**
 * Compares what the first reader gave with the receipts of each block that may hold something, whichever reader gives them.
 * What it left out is added and told as a finding. Throws a WrongAnswer for a log that the chain doesn't have, and the first
 * reader's own fault where nobody gives receipts.
 */
export async function prove(
  readers: readonly [Reader, ...Reader[]],
  { gathered, watch, maxAddresses }: { gathered: Gathered; watch: WatchSet; maxAddresses: number }
): Promise<Proven> {
  const { headers, births: told } = gathered
  const [chosen] = readers
  const byTopics = 'topics' in watch.filter(maxAddresses)
  const findings: Finding[] = []
  const provenLogs = createProvenLogs(readers, findings)
  const given = Map.groupBy(gathered.logs, log => log.block_number)
  const children = createWatchSet({ factories: [], escrows: factoriesOf(told) })
  const isOurs = isRelayed(watch, told)

  async function omittedFrom(header: Header): Promise<RawLog[]> {
    const bloom = parseBloom(header.logs_bloom)
    const mayHold = watch.mayHold(bloom) || children.mayHold(bloom)
    const claimed = given.get(header.number) ?? []
    const excluded = mayHold ? undefined : claimed.find(isKnown)
    if (excluded) throw invented(chosen, excluded)
    if (!mayHold && claimed.length === 0) return []
    const proven = await provenLogs(header, isOurs)
    const compared = compareLogs({ given: claimed, proven })
    if (compared.invented[0]) throw invented(chosen, compared.invented[0])
    // Asked by topics nobody gives an event that isn't known.
    for (const { log_index } of compared.missing.filter(log => !byTopics || isKnown(log)))
      findings.push({ ...findingAt(header, { kind: 'omitted', provider: chosen.id }), log_index })
    return compared.missing
  }

  const omitted = (await mapBounded(headers, RECEIPTS_AT_ONCE, omittedFrom)).flat()
  if (omitted.length === 0) return { logs: gathered.logs, births: told, findings }
  const logs = orderedLogs([...gathered.logs, ...omitted])
  const births = birthsIn(logs, watch)
  const late = new Map([...births].filter(([escrow, { from }]) => told.get(escrow)?.from !== from))
  const theirs = await logsOfLate(late, { headers, provenLogs })
  return { logs: orderedLogs([...logs, ...theirs]), births, findings }
}

/** Nobody was asked for the logs of escrows whose deployment was left out, so receipts alone tell them. */
async function logsOfLate(
  late: Births,
  { headers, provenLogs }: { headers: readonly Header[]; provenLogs: ProvenLogs }
): Promise<RawLog[]> {
  const watch = createWatchSet({ factories: [], escrows: factoriesOf(late) })
  const isTheirs = isRelayed(createWatchSet({ factories: [] }), late)
  const blocks = headers.filter(({ logs_bloom }) => watch.mayHold(parseBloom(logs_bloom)))
  return (await mapBounded(blocks, RECEIPTS_AT_ONCE, header => provenLogs(header, isTheirs))).flat()
}

type ProvenLogs = (header: Header, isOurs: IsRelayed) => Promise<RawLog[]>

/** Logs of a block by its receipts, from the first reader that gives them. One that gave wrong ones is told as a finding. */
function createProvenLogs(readers: readonly [Reader, ...Reader[]], findings: Finding[]): ProvenLogs {
  let order: readonly Reader[] = readers

  return async (header, isOurs) => {
    const faults = new Map<Reader, Error>()
    for (const reader of order) {
      const logs = await reader.receipts(header, address => isOurs(address, header.number)).catch(faultOnly)
      if (logs instanceof Error) {
        faults.set(reader, logs)
        continue
      }
      // Whoever answered is asked first from now on.
      if (faults.size > 0) order = [reader, ...order.filter(other => other !== reader)]
      for (const [{ id }, fault] of faults)
        if (fault instanceof WrongAnswer) findings.push(findingAt(header, { kind: fault.kind, provider: id }))
      return logs
    }
    throw faults.get(readers[0])
  }
}

function faultOnly(error: unknown): RpcFault | WrongAnswer {
  if (error instanceof RpcFault || error instanceof WrongAnswer) return error
  throw error
}

const isKnown = ({ topics }: RawLog): boolean => knownTopics.has(topics[0] ?? '')

const invented = ({ id }: Reader, { block_number, log_index, address }: RawLog): WrongAnswer =>
  new WrongAnswer(
    `provider ${id} gave log ${log_index} of ${address} in block ${block_number}, which the block's receipts or bloom don't have`,
    'invented'
  )
