import { encodeMessage, type MarketPrice, marketPrices, priceId } from '@fusion-prime/events'
import { appendOutbox, pruneOutbox, type Sql, sweepOutbox, transaction } from '@fusion-prime/postgres'
import type { Publish } from '@fusion-prime/pubsub'
import { type Log, reach } from '@fusion-prime/runtime'
import type { Agreement } from './aggregate.ts'
import { type AgreementRule, agree, neededSources } from './agree.ts'
import { type AssetState, type Decision, decide, type JumpRule, type Observed } from './decide.ts'
import { priceText } from './decimal.ts'
import type { Reading } from './reading.ts'
import type { ReadSources } from './sources/read.ts'
import type { Source, Sources } from './sources/source.ts'
import { lockStates, saveStates } from './store.ts'

export type OracleDeps = {
  sql: Sql
  publish: Publish
  read: ReadSources
  log: Log
  /** Milliseconds since 1970. */
  now: () => number
  assets: readonly string[]
  sources: Sources
  rule: AgreementRule & { jump: JumpRule; validitySeconds: number; retentionHours: number }
}

/** What is carried on from the request, or made anew. */
export type TraceContext = { correlation_id: string; traceparent: string }

export type Published = { asset: string; price_usd: string; sequence: number }
/** What each source said: `ok`, or why it didn't count. */
export type Refused = { asset: string; reason: string; sources: Record<string, string> }

export type RoundResult = {
  /** Committed now; on the topic already unless `waiting` says otherwise. */
  published: Published[]
  refused: Refused[]
  /** Assets of which another round has just published a younger price. */
  superseded: string[]
  /** Messages that Pub/Sub hasn't taken yet; the next round tries again. */
  waiting: number
}

type Judged = { asset: string; agreement: Agreement; decision: Decision | undefined }

/** One round: asks all sources, decides for each asset, commits prices and messages as one, and publishes what was committed. */
export async function runRound(deps: OracleDeps, context: TraceContext): Promise<RoundResult> {
  const at = deps.now() // before anything is read: a price is never older than it says
  const agreements = await readAgreements(deps)
  const { judged, messages } = await commit(deps, { at, agreements, context })
  reach('batch_committed')
  const refused = judged.flatMap(explainRefusal)
  for (const one of refused) {
    deps.log.error({ ...one, correlation_id: context.correlation_id }, 'price_not_published')
  }
  const waiting = await publishOutbox(deps)
  const superseded = judged.flatMap(({ asset, decision }) => (decision?.outcome === 'superseded' ? asset : []))
  const published = messages.map(({ asset_symbol: asset, price_usd, sequence }) => ({ asset, price_usd, sequence }))
  const { correlation_id } = context
  deps.log.info({ published, superseded, refused: refused.length, waiting, correlation_id }, 'price_round_done')
  return { published, refused, superseded, waiting }
}

async function readAgreements({ assets, sources, read, rule }: OracleDeps): Promise<Map<string, Agreement>> {
  const needed = neededSources(assets, sources)
  const readings = await read(needed.map(({ source }) => source))
  const byAsset = new Map<string, { source: Source; reading: Reading }[]>()
  for (const [index, { asset, source }] of needed.entries()) {
    const reading = readings[index] ?? { refused: 'failed' }
    byAsset.set(asset, [...(byAsset.get(asset) ?? []), { source, reading }])
  }
  return agree({ assets, read: byAsset }, rule)
}

type Agreed = { at: number; agreements: ReadonlyMap<string, Agreement>; context: TraceContext }

async function commit(deps: OracleDeps, { at, agreements, context }: Agreed) {
  return transaction(deps.sql, async sql => {
    const states = await lockStates(sql, deps.assets)
    const changed = new Map<string, AssetState>()
    const messages: MarketPrice[] = []
    const judged: Judged[] = []
    for (const [asset, agreement] of agreements) {
      const state = states.get(asset)
      const decision =
        state && 'price' in agreement ? decide(state, { price: agreement.price, at }, deps.rule.jump) : undefined
      judged.push({ asset, agreement, decision })
      if (!decision || decision.outcome === 'superseded') continue
      changed.set(asset, decision.state)
      if (decision.outcome === 'publish') messages.push(createPrice(asset, decision.state, { agreement, ...deps.rule }))
    }
    await saveStates(sql, changed)
    await appendOutbox(
      sql,
      messages.map(message => encodeMessage(marketPrices, message, context))
    )
    return { judged, messages }
  })
}

function createPrice(
  asset_symbol: string,
  { sequence, last }: { sequence: number; last: Observed },
  { agreement, validitySeconds }: { agreement: Agreement; validitySeconds: number }
): MarketPrice {
  return {
    event_id: priceId({ asset_symbol, sequence }),
    event_type: 'price_updated',
    schema_version: 1,
    asset_symbol,
    price_usd: priceText(last.price),
    source: 'median',
    sources: agreement.used,
    quality: 'ok',
    observed_at: new Date(last.at).toISOString(),
    valid_until: new Date(last.at + validitySeconds * 1000).toISOString(),
    sequence
  }
}

/** Why an asset got no price. */
function explainRefusal({ asset, agreement, decision }: Judged): Refused[] {
  if (decision && decision.outcome !== 'hold') return []
  const reason = 'nothing' in agreement ? agreement.nothing : 'jump_held'
  const sources = Object.fromEntries([
    ...agreement.used.map(source => [source, 'ok']),
    ...agreement.excluded.map(({ source, reason: why }) => [source, why])
  ])
  return [{ asset, reason, sources }]
}

/** Publishes what was committed, now or by a round that didn't get to it. Answers how many messages Pub/Sub hasn't taken. */
async function publishOutbox({ sql, publish, log, rule }: OracleDeps): Promise<number> {
  for (;;) {
    const { published, failed, fault } = await sweepOutbox(sql, publish)
    if (fault) log.error({ error: fault, failed }, 'outbox_publish_failed')
    if (failed > 0) return failed
    if (published > 0) continue
    await pruneOutbox(sql, rule.retentionHours)
    return 0
  }
}
