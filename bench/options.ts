import { parseArgs } from 'node:util'
import { PermanentError } from '@fusion-prime/runtime'

export const USAGE = `usage: npm run bench -- [options]

Measures the local broker (publish to ack of a push) and settlement's push endpoint on a real Postgres, and prints one table.
The endpoint runs beside no-op ones and a naive handler, which differs from settlement only in that every message is a
transaction of its own: in one run, taking turns, rows counted after every round.

  --only PART           broker or push (default: both)
  --rounds N            rounds of each measurement (default: 5)
  --messages N          pushes to an endpoint per round and mix (default: 2000)
  --concurrency N       pushes under way at once (default: 64)
  --broker-messages N   messages through the broker per round (default: 10000)
  --fsync on|off        whether Postgres writes through to the disk (default: on, as in production)
  --json                the same figures as one JSON object
  --help                this text`

export type BenchOptions = {
  broker: boolean
  push: boolean
  rounds: number
  messages: number
  concurrency: number
  brokerMessages: number
  fsync: boolean
  json: boolean
}

/** Reads the command line; `help` when it asks for it. Throws for what isn't an option. */
export function readOptions(args: string[]): BenchOptions | 'help' {
  const values = parse(args)
  if (values.help) return 'help'
  const only = oneOf('--only', { value: values.only, of: ['broker', 'push'] })
  const fsync = oneOf('--fsync', { value: values.fsync, of: ['on', 'off'] })
  return {
    broker: only !== 'push',
    push: only !== 'broker',
    rounds: count('--rounds', values.rounds),
    messages: count('--messages', values.messages),
    concurrency: count('--concurrency', values.concurrency),
    brokerMessages: count('--broker-messages', values['broker-messages']),
    fsync: fsync === 'on',
    json: values.json
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        messages: { type: 'string', default: '2000' },
        concurrency: { type: 'string', default: '64' },
        'broker-messages': { type: 'string', default: '10000' },
        fsync: { type: 'string', default: 'on' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false }
      }
    }).values
  } catch (error) {
    throw new PermanentError(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
  }
}

function oneOf(name: string, { value, of }: { value: string | undefined; of: string[] }): string | undefined {
  if (value === undefined || of.includes(value)) return value
  throw new PermanentError(`${name} is ${value}: give ${of.join(' or ')}`)
}

function count(name: string, value: string): number {
  if (/^[1-9][0-9]{0,6}$/.test(value)) return Number(value)
  throw new PermanentError(`${name} is ${value}: give a number from 1 to 9999999`)
}
