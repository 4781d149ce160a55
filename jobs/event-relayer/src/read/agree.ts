import { createHash } from 'node:crypto'
import type { Header, RawLog } from '../chain.ts'
import { WrongAnswer } from '../providers/pool.ts'
import { RpcFault } from '../providers/rpc.ts'
import { ChainMoved } from './chain-moved.ts'
import { type Finding, findingAt } from './finding.ts'
import { type Gathered, gather, type Wanted } from './gather.ts'
import type { Reader } from './reader.ts'

type Vote = { id: string; read: Gathered; digest: string }

/**
 * Has other readers read the same until two agree. If one agrees with the first, whoever gave other logs of the same blocks
 * is told as a finding; if two agree against the first, it gave a WrongAnswer. Throws an RpcFault where no two agree.
 */
export async function agree(
  [chosen, ...others]: readonly [Reader, ...Reader[]],
  { gathered, wanted }: { gathered: Gathered; wanted: Wanted }
): Promise<Finding[]> {
  const own: Vote = { id: chosen.id, read: gathered, digest: digestOf(gathered) }
  const votes = [own]
  const findings: Finding[] = []
  for (const reader of others) {
    const vote = await voteOf(reader, { wanted, own, findings })
    if (!vote) continue
    const ally = votes.find(({ digest }) => digest === vote.digest)
    if (ally && ally !== own) throw outvoted(own, [ally, vote])
    if (ally) return [...findings, ...votes.flatMap(other => dissent(other, own))]
    votes.push(vote)
  }
  const { from, to } = wanted.range
  const message = `of ${others.length + 1} providers no two agree on the logs of blocks ${from} to ${to}: add a provider, or wait until they do`
  throw new RpcFault(message, { kind: 'retry' })
}

/** Undefined for a reader that can't tell, or that stands on another branch of the chain. */
async function voteOf(
  reader: Reader,
  { wanted, own, findings }: { wanted: Wanted; own: Vote; findings: Finding[] }
): Promise<Vote | undefined> {
  try {
    const read = await gather(reader, wanted)
    return { id: reader.id, read, digest: digestOf(read) }
  } catch (error) {
    const [first] = own.read.headers
    if (error instanceof WrongAnswer && first)
      findings.push(findingAt(first, { kind: error.kind, provider: reader.id }))
    else if (!(error instanceof RpcFault || error instanceof ChainMoved)) throw error
    return undefined
  }
}

function outvoted(own: Vote, allies: readonly [Vote, Vote]): Error {
  const [{ id, read }, { id: other }] = allies
  const place = firstDifference(own.read, read)
  if (!place) return new RpcFault(`provider ${own.id} is on another branch than ${id} and ${other}`, { kind: 'retry' })
  const message = `provider ${own.id} gave other logs of block ${place.header.number} than ${id} and ${other}, from log ${place.log_index} on`
  return new WrongAnswer(message, 'disagrees')
}

function dissent({ id, read }: Vote, truth: Vote): Finding[] {
  const place = firstDifference(read, truth.read)
  if (!place) return []
  return [{ ...findingAt(place.header, { kind: 'disagrees', provider: id }), log_index: place.log_index }]
}

/** Undefined where the logs are the same, or the blocks aren't. */
function firstDifference(a: Gathered, b: Gathered): { header: Header; log_index: number } | undefined {
  if (a.headers.at(-1)?.hash !== b.headers.at(-1)?.hash) return undefined
  const length = Math.max(a.logs.length, b.logs.length)
  for (let index = 0; index < length; index++) {
    const [mine, theirs] = [a.logs[index], b.logs[index]]
    if (mine && theirs && textOf(mine) === textOf(theirs)) continue
    const [log] = [mine, theirs].filter(log => log !== undefined).sort((x, y) => x.block_number - y.block_number)
    const header = a.headers.find(({ number }) => number === log?.block_number)
    return header && log && { header, log_index: log.log_index }
  }
  return undefined
}

function digestOf({ headers, logs }: Gathered): string {
  const hash = createHash('sha256')
  for (const header of headers) hash.update(`${header.hash}\n`)
  for (const log of logs) hash.update(`${textOf(log)}\n`)
  return hash.digest('hex')
}

const textOf = (log: RawLog): string =>
  [
    ...[log.block_number, log.block_hash, log.transaction_hash, log.log_index, log.address],
    ...[log.topics.join(), log.data]
  ].join(' ')
