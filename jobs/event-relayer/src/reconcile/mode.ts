import { randomUUID } from 'node:crypto'
import { createIdTokens, createServiceClient } from '@fusion-prime/http'
import { createSql, type OutboxMessage, type Pool } from '@fusion-prime/postgres'
import { createPublisher } from '@fusion-prime/pubsub'
import { EXIT, type Log, newTraceparent, PermanentError } from '@fusion-prime/runtime'
import { createProgress } from '../backfill/progress.ts'
import type { Range } from '../chain.ts'
import { manifestMessage } from '../message.ts'
import { lastManifest } from '../store/manifests.ts'
import { createReading, STATEMENT_MS, watchBelow, worldOf } from '../verify/create-reading.ts'
import { createCovers, loadScope, rangeWithin } from '../verify/scope.ts'
import { systemClock } from '../world.ts'
import { readParts } from './chain-parts.ts'
import type { ReconcileConfig } from './config.ts'
import { serviceNames } from './finding.ts'
import { finalAgain, forcedIncarnations } from './incarnations.ts'
import { type Reconciling, reconcile } from './reconcile.ts'
import { createReport, type Report } from './report.ts'
import { createAskedService } from './service.ts'

const PUBLISH_MS = 10_000

export type ReconcileMode = {
  config: ReconcileConfig
  log: Log
  range: Partial<Range>
  mode: Reconciling['mode']
  format: 'text' | 'json'
  /** The report goes there. */
  write(text: string): void
  /** A line of progress that is written over again; undefined where nobody looks. */
  progress: ((text: string) => void) | undefined
}

/** `--mode=reconcile`: the parts put together. Answers the exit code: 0 equal or repaired, 1 something stays wrong; throws where something couldn't be read. */
export async function runReconcile(options: ReconcileMode): Promise<number> {
  const { config, log } = options
  const sql = createSql({
    url: config.DATABASE_URL,
    max: 1,
    applicationName: 'event-relayer-reconcile',
    statementTimeoutMs: STATEMENT_MS
  })
  const publisher = createPublisher({ project: config.GOOGLE_CLOUD_PROJECT, timeoutMs: PUBLISH_MS })
  try {
    const report = createReport(options)
    const { range, scope } = await loadRange(sql, options)
    const deps = await createReconciling(options, { sql, range, scope, publish: publisher.publish })
    const right = await reconcile(deps, range, watched(report, { ...options, range }))
    log.info(report.end(range), 'reconciled')
    return right ? EXIT.done : EXIT.giveUp
  } finally {
    await publisher.close()
    await sql.end({ timeout: 2 })
  }
}

/** What was asked for, by default all that manifests state. */
async function loadRange(sql: Pool, { config, range }: ReconcileMode) {
  const scope = await loadScope(sql, config.CHAIN_ID)
  const last = await lastManifest(sql, config.CHAIN_ID)
  if (!last)
    throw new PermanentError(`no block of chain ${config.CHAIN_ID} was stated as final yet: nothing to reconcile`)
  const { to = last.to_block } = range
  if (to > last.to_block)
    throw new PermanentError(`--to ${to} is above block ${last.to_block}, the last that was stated as final`)
  return { scope, range: rangeWithin(scope, { ...range, to }) }
}

type Prepared = { sql: Pool; publish(messages: readonly OutboxMessage[]): Promise<(Error | undefined)[]> } & Awaited<
  ReturnType<typeof loadRange>
>

async function createReconciling(
  { config, log, mode }: ReconcileMode,
  { sql, range, scope, publish }: Prepared
): Promise<Reconciling> {
  const { factories, ...chain } = createReading(sql, { config, log, world: worldOf(config) })
  const { chainId } = chain
  const watch = await watchBelow(sql, { scope, factories, chainId, block: range.from })
  const reading = { ...chain, incarnations: (range: Range) => forcedIncarnations(sql, { chainId, range }) }
  return {
    services: createServices(config, log),
    parts: asked => readParts(reading, { range: asked, watch, covers: createCovers(scope, watch) }),
    mayChangeFrom: scope.lanes?.from,
    mode,
    clock: systemClock,
    repairWaitMs: config.REPAIR_WAIT_SECONDS * 1_000,
    async republish({ facts, manifests }) {
      const traceparent = newTraceparent()
      const again = [
        ...facts.map(fact => finalAgain(fact, traceparent)),
        ...manifests.map(({ event_id, chain_id, ...manifest }) =>
          manifestMessage({ chainId: chain_id, manifest, traceparent })
        )
      ]
      const fault = (await publish(again)).find(one => one)
      if (fault) throw new Error('what is missing could not be published again', { cause: fault })
      for (const { topic, event_id } of again) log.info({ topic, event_id }, 'message_republished')
    }
  }
}

function createServices(config: ReconcileConfig, log: Log): Reconciling['services'] {
  const urls = {
    settlement: config.SETTLEMENT_URL,
    'risk-engine': config.RISK_ENGINE_URL,
    compliance: config.COMPLIANCE_URL
  }
  const idToken = createIdTokens(config.SERVICE_AUTH_MODE)
  const context = { correlation_id: `reconcile:${randomUUID()}`, traceparent: newTraceparent() }
  return serviceNames.map(name => {
    const client = createServiceClient({ name, url: urls[name], idToken, settings: config, log })
    return createAskedService({ name, client, chainId: config.CHAIN_ID, context })
  })
}

function watched(
  report: Report,
  { range: { from, to }, progress }: { range: Range; progress: ReconcileMode['progress'] }
) {
  if (!progress) return report
  const line = createProgress({ total: to - from + 1, clock: systemClock, write: progress })
  return {
    ...report,
    row(row: Parameters<Report['row']>[0]) {
      report.row(row)
      line.show('reconcile', row.to - from + 1)
      if (row.to === to) line.end()
    }
  }
}
