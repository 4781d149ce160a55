import { parseArgs } from 'node:util'
import { PermanentError } from '@fusion-prime/runtime'

export const USAGE = `usage: npm run bench -- [PART] [options]

Measures the local broker (publish to ack of a push) and settlement's push endpoint on a real Postgres, and prints one table.
The endpoint runs beside no-op ones and a naive handler, which differs from settlement only in that every message is a
transaction of its own: in one run, taking turns, rows counted after every round.

PART relayer measures the relayer instead: one tick of the real process, on a chain that a model node serves, to a real
Postgres and the local broker; with what it asked of the node. Facts and messages are counted after every tick.

  --only PART           broker, push or relayer; the same as PART (default: broker and push)
  --rounds N            rounds of each measurement (default: 5, of the relayer 1)
  --messages N          pushes to an endpoint per round and mix (default: 2000)
  --concurrency N       pushes under way at once (default: 64)
  --broker-messages N   messages through the broker per round (default: 10000)
  --quick               relayer: small chains, to see that it works
  --scenario TEXT       relayer: only scenarios whose title (as in the progress lines) holds this text
  --profile             relayer: where its time goes, by function
  --fsync on|off        whether Postgres writes through to the disk (default: on, as in production)
  --json                the same figures as one JSON object
  --help                this text`

export type BenchOptions = {
  broker: boolean
  push: boolean
  relayer: boolean
  size: 'full' | 'quick'
  scenario: string
  profile: 'profile' | 'plain'
  rounds: number
  messages: number
  concurrency: number
  brokerMessages: number
  fsync: boolean
  json: boolean
}

/** Reads the command line; `help` when it asks for it. Throws for what isn't an option. */
export function readOptions(args: string[]): BenchOptions | 'help' {
  const { values, positionals } = parse(args)
  if (values.help) return 'help'
  const [part, ...more] = [...positionals, ...(values.only ?? [])]
  const only = oneOf('--only', { value: part, of: ['broker', 'push', 'relayer'] })
  if (more.length > 0) throw new PermanentError(`--only is ${[part, ...more].join(' and ')}: give one part`)
  const stray = (['quick', 'scenario', 'profile'] as const).find(name => only !== 'relayer' && values[name])
  if (stray) throw new PermanentError(`--${stray} is of the relayer alone\n\n${USAGE}`)
  const fsync = oneOf('--fsync', { value: values.fsync, of: ['on', 'off'] })
  return {
    broker: only === undefined || only === 'broker',
    push: only === undefined || only === 'push',
    relayer: only === 'relayer',
    size: values.quick ? 'quick' : 'full',
    scenario: values.scenario,
    profile: values.profile ? 'profile' : 'plain',
    rounds: count('--rounds', values.rounds ?? (only === 'relayer' ? '1' : '5')),
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
      allowPositionals: true,
      options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        scenario: { type: 'string', default: '' },
        profile: { type: 'boolean', default: false },
        messages: { type: 'string', default: '2000' },
        concurrency: { type: 'string', default: '64' },
        'broker-messages': { type: 'string', default: '10000' },
        fsync: { type: 'string', default: 'on' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false }
      }
    })
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
