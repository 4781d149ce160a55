import { createSql, type Pool } from '@fusion-prime/postgres'
import { EXIT, type Log } from '@fusion-prime/runtime'
import { createProgress } from '../backfill/progress.ts'
import type { Range } from '../chain.ts'
import { parseFinality, type RelayerConfig } from '../config.ts'
import type { World } from '../world.ts'
import { createReading, type ReadingWorld, STATEMENT_MS, worldOf } from './create-reading.ts'
import { createReport } from './report.ts'
import { verify } from './verify.ts'

export type VerifyMode = {
  config: RelayerConfig
  log: Log
  range: Partial<Range>
  format: 'text' | 'json'
  /** The report goes there. */
  write(text: string): void
  /** A line of progress that is written over again; undefined where nobody looks. */
  progress: ((text: string) => void) | undefined
  world?: ReadingWorld
}

/** `--mode=verify`: the parts put together. Answers the exit code: 0 equal, 1 differs; throws where something couldn't be read. */
export async function runVerify(mode: VerifyMode): Promise<number> {
  const { config, log, range, progress, world = worldOf(config) } = mode
  const sql = createSql({
    url: config.DATABASE_URL,
    max: 2,
    applicationName: 'event-relayer-verify',
    statementTimeoutMs: STATEMENT_MS
  })
  try {
    const report = createReport(mode)
    const done = await verify(createVerifying(sql, { config, log, world }), range, {
      found: report.found,
      progress: progress ? showOn(progress, world.clock) : () => undefined
    })
    report.end(done)
    log.info(done, 'verified')
    return done.differences === 0 ? EXIT.done : EXIT.giveUp
  } finally {
    await sql.end({ timeout: 2 })
  }
}

function createVerifying(
  sql: Pool,
  { config, log, world }: Pick<VerifyMode, 'config' | 'log'> & { world: ReadingWorld }
) {
  return {
    ...createReading(sql, { config, log, world }),
    sql,
    log,
    finality: parseFinality(config.FINALITY),
    retentionHours: config.OUTBOX_RETENTION_HOURS
  }
}

function showOn(write: (text: string) => void, clock: World['clock']) {
  let line: ReturnType<typeof createProgress> | undefined
  return (blocks: number, { from, to }: Range) => {
    const total = to - from + 1
    line ??= createProgress({ total, clock, write })
    line.show('verify', blocks)
    if (blocks === total) line.end()
  }
}
