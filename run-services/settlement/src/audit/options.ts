import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { describeError, PermanentError } from '@fusion-prime/runtime'

/** Where a running local stack says its addresses. */
const STACK_FILE = '.local/stack.json'

export const USAGE = `usage: npm run audit -- ledger [options]

Checks every transfer of settlement's ledger against the facts of its escrow, and all balances. It reads one snapshot of the
database and changes nothing. Exit code: 0 nothing is wrong, 1 something is, or the options are, 75 the database can't be read.

  --database-url URL  settlement's database (default: DATABASE_URL, else that of the running stack, ${STACK_FILE})
  --json              one JSON object per line on stdout: each fault, then the totals
  --help              this text`

export type AuditOptions = { databaseUrl: string; json: boolean }

/** Reads the command line; `help` when it asks for it. Throws a PermanentError for what isn't an option, or when no database is given. */
export function readOptions(
  args: string[],
  { env, stackFile = STACK_FILE }: { env: Readonly<Record<string, string | undefined>>; stackFile?: string }
): AuditOptions | 'help' {
  const { values, positionals } = parse(args)
  if (values.help) return 'help'
  if (positionals.length !== 1 || positionals[0] !== 'ledger')
    throw new PermanentError(`Say what to audit.\n\n${USAGE}`)
  return {
    databaseUrl: values['database-url'] ?? env.DATABASE_URL ?? urlOfStack(stackFile),
    json: values.json ?? false
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        'database-url': { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (error) {
    throw new PermanentError(`${describeError(error)}\n\n${USAGE}`)
  }
}

function urlOfStack(path: string): string {
  try {
    // Any JSON has properties or gives undefined for them; what isn't text is none.
    const { databases } = JSON.parse(readFileSync(path, 'utf8')) as { databases?: Record<string, unknown> }
    const url = databases?.settlement_db
    if (typeof url === 'string') return url
    throw new Error('it names no settlement_db')
  } catch (error) {
    throw new PermanentError(
      `No database is given and no stack runs here (${path}: ${describeError(error)}): give --database-url, or set DATABASE_URL`
    )
  }
}
