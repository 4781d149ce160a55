import { requireChain } from '@fusion-prime/chain'
import { createSql, type Pool } from '@fusion-prime/postgres'
import { EXIT, type Log } from '@fusion-prime/runtime'
import { createProgress } from '../backfill/progress.ts'
import type { Range } from '../chain.ts'
import { parseFinality, type RelayerConfig, requireCheck } from '../config.ts'
import { createProviders } from '../providers/pool.ts'
import { resolveUrls } from '../providers/presets.ts'
import { connectRpc } from '../providers/rpc.ts'
import { createReaders } from '../readers.ts'
import { loadLimits } from '../store/limits.ts'
import { systemClock, type World } from '../world.ts'
import { createReport } from './report.ts'
import { createSource } from './source.ts'
import { verify } from './verify.ts'

/** Scans of the whole outbox may take a while. */
const STATEMENT_MS = 600_000

export type VerifyMode = {
  config: RelayerConfig
  log: Log
  range: Partial<Range>
  format: 'text' | 'json'
  /** The report goes there. */
  write(text: string): void
  /** A line of progress that is written over again; undefined where nobody looks. */
  progress: ((text: string) => void) | undefined
  world?: Pick<World, 'connect' | 'clock'>
}

/** `--mode=verify`: the parts put together. Answers the exit code: 0 equal, 1 differs; throws where something couldn't be read. */
export async function runVerify(mode: VerifyMode): Promise<number> {
  const { config, log, range, progress } = mode
  const sql = createSql({
    url: config.DATABASE_URL,
    max: 2,
    applicationName: 'event-relayer-verify',
    statementTimeoutMs: STATEMENT_MS
  })
  try {
    const report = createReport(mode)
    const { clock, ...deps } = createVerifying(mode, sql)
    const done = await verify(deps, range, {
      found: report.found,
      progress: progress ? showOn(progress, clock) : () => undefined
    })
    report.end(done)
    log.info(done, 'verified')
    return done.differences === 0 ? EXIT.done : EXIT.giveUp
  } finally {
    await sql.end({ timeout: 2 })
  }
}

function createVerifying({ config, log, world = worldOf(config) }: VerifyMode, sql: Pool) {
  const chainId = config.CHAIN_ID
  const chain = requireChain(chainId)
  const urls = resolveUrls(config.RPC_URLS, chainId)
  const setting = 'OMISSION_CHECK'
  const providers = createProviders({
    urls,
    connect: world.connect,
    clock: world.clock,
    log,
    // What is learned here is forgotten: a verification writes nothing.
    limits: { load: () => loadLimits(sql, chainId), save: async () => undefined }
  })
  const readers = createReaders({ chainId, format: chain.canProve ? 'ethereum' : 'unknown' })
  return {
    clock: world.clock,
    sql,
    source: createSource({ providers, readerOf: readers.of, log }),
    log,
    chainId,
    assetSymbol: chain.nativeAsset,
    factories: config.ESCROW_FACTORIES.toLowerCase().split(','),
    finality: parseFinality(config.FINALITY),
    check: requireCheck({ check: config.OMISSION_CHECK, canProve: chain.canProve, providers: urls.length, setting }),
    maxBlockRange: config.MAX_BLOCK_RANGE,
    maxAddresses: config.MAX_ADDRESSES,
    maxBatchBytes: config.MAX_BATCH_BYTES,
    retentionHours: config.OUTBOX_RETENTION_HOURS
  }
}

const worldOf = (config: RelayerConfig): Pick<World, 'connect' | 'clock'> => ({
  connect: url => connectRpc({ url, timeoutMs: config.RPC_TIMEOUT_MS, maxBytes: config.MAX_BATCH_BYTES }),
  clock: systemClock
})

function showOn(write: (text: string) => void, clock: World['clock']) {
  let line: ReturnType<typeof createProgress> | undefined
  return (blocks: number, { from, to }: Range) => {
    const total = to - from + 1
    line ??= createProgress({ total, clock, write })
    line.show('verify', blocks)
    if (blocks === total) line.end()
  }
}
