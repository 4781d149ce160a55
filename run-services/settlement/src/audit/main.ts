import { createSql, transaction } from '@fusion-prime/postgres'
import { describeError, EXIT, PermanentError } from '@fusion-prime/runtime'
import { auditLedger } from './audit-ledger.ts'
import { readOptions, USAGE } from './options.ts'
import { formatAudit, formatFault, presentAudit } from './report.ts'

/** One statement reads a page of escrows, or sums the whole table. */
const STATEMENT_MS = 10 * 60_000
/** Escrows between two words on how far it has come. */
const PROGRESS_EVERY = 50_000

const print = (line: string) => void process.stdout.write(`${line}\n`)

async function main(args: string[]): Promise<number> {
  const options = readOptions(args, { env: process.env })
  if (options === 'help') {
    print(USAGE)
    return EXIT.done
  }
  const { databaseUrl: url, json } = options
  const sql = createSql({ url, max: 1, applicationName: 'audit', statementTimeoutMs: STATEMENT_MS })
  try {
    const audit = await transaction(sql, async tx => {
      await tx`set transaction isolation level repeatable read, read only`
      return auditLedger(tx, {
        onFault: fault => print(json ? JSON.stringify(fault) : formatFault(fault)),
        onPage: escrows => escrows % PROGRESS_EVERY === 0 && console.error(`${escrows} escrows checked …`)
      })
    })
    print(json ? JSON.stringify(presentAudit(audit)) : formatAudit(audit))
    return audit.faults === 0 ? EXIT.done : EXIT.giveUp
  } finally {
    await sql.end()
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const permanent = error instanceof PermanentError
  console.error(permanent ? error.message : `the ledger could not be read: ${describeError(error)}`)
  process.exitCode = permanent ? EXIT.giveUp : EXIT.tryAgain
}
