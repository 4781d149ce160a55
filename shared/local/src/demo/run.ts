import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, createEscrowClient } from '@fusion-prime/chain'
import type { Stack } from '../stack.ts'
import { compareEscrows, type Row } from './compare.ts'
import { type Counts, countEvents } from './count.ts'
import { type Cast, lives } from './lives.ts'
import type { Track, Tracker } from './tracker.ts'
import { watchChain } from './watch.ts'

export type DemoRow = Row & { title: string }

export type DemoResult = {
  rows: DemoRow[]
  counts: Counts
  deadLetters: number
  tracks: Track[]
  /** What is wrong, in words; empty when every event arrived once and all agree. */
  faults: string[]
}

const SETTLE_MS = 90_000

/** Takes the demo's escrows through their lives and waits until all that came of them is final everywhere. */
export async function runDemo(
  stack: Stack,
  { tracker, onWaiting }: { tracker: Tracker; onWaiting(): void }
): Promise<DemoResult> {
  const { chain, factory } = stack
  const unwatch = watchChain({ rpcUrl: chain.rpcUrl, chainId: chain.chainId, onLog: tracker.seen })
  const client = createEscrowClient({ rpcUrl: chain.rpcUrl, chainId: chain.chainId })
  const cast = castOf(chain.accounts)
  const born = new Map<Address, string>()
  try {
    await Promise.all(
      lives.map(({ title, run }, index) => {
        const payer = cast.payers[index % cast.payers.length]
        if (!payer) throw new Error('the demo needs accounts')
        return run({ client, factory, cast, payer, born: escrow => void born.set(escrow, title) })
      })
    )
    onWaiting()
    return await untilSettled(stack, { tracker, born })
  } finally {
    await unwatch()
  }
}

function castOf(accounts: readonly Address[]): Cast {
  const [, , , , , payee, arbiter, secondArbiter, sanctioned] = accounts
  if (!payee || !arbiter || !secondArbiter || !sanctioned) throw new Error('the demo needs nine accounts')
  return { payers: accounts.slice(0, 5), payee, arbiter, secondArbiter, sanctioned }
}

async function untilSettled(
  stack: Stack,
  { tracker, born }: { tracker: Tracker; born: ReadonlyMap<Address, string> }
): Promise<DemoResult> {
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const result = await inspect(stack, { tracker, born })
    if (result.faults.length === 0 || performance.now() > deadline) return result
    await sleep(500)
  }
}

async function inspect(
  { file, broker }: Stack,
  { tracker, born }: { tracker: Tracker; born: ReadonlyMap<Address, string> }
): Promise<DemoResult> {
  const compared = await compareEscrows(file, [...born.keys()])
  const rows = compared.map(row => ({ ...row, title: born.get(row.escrow as Address) ?? '' })) // the keys are addresses
  const counts = await countEvents(file)
  const deadLetters = broker.stats()['escrow-events-dlq-pull']?.backlog ?? 0
  const tracks = tracker.tracks()
  const faults = [
    ...rows.filter(row => !row.agrees).map(row => `${row.escrow} (${row.title}): the parts differ`),
    ...rows
      .filter(row => row.finality !== 'finalized')
      .map(row => `${row.escrow} (${row.title}): not final in settlement`),
    ...tracks
      .filter(track => track.settledMs === undefined)
      .map(track => `${track.event_type} of ${track.escrow} has no row in settlement`),
    ...counts.services
      .filter(one => one.missing.length > 0)
      .map(one => `${one.service} lacks ${one.missing.length} events, ${one.missing[0]} first`),
    ...counts.services
      .filter(one => one.invented.length > 0)
      .map(one => `${one.service} has ${one.invented.length} events that nobody sent`),
    ...(counts.unpublished > 0 ? [`${counts.unpublished} events wait in the relayer’s outbox`] : []),
    ...(deadLetters > 0 ? [`${deadLetters} dead letters`] : [])
  ]
  return { rows, counts, deadLetters, tracks, faults }
}
