import { parseArgs } from 'node:util'
import { PermanentError } from '@fusion-prime/runtime'
import { STACK_FILE } from './stack-file.ts'

export const USAGE = `usage: npm start -- [options]

Runs the whole system on this machine: an EVM chain, Postgres, a token issuer, a Pub/Sub broker and a market, then the relayer,
the three services and the price oracle, each as its own process. A demo takes escrows through their lives; then it runs until Ctrl-C.

  --once            run the demo, print the final table, check it; exit 0 only if every event arrived once
  --no-demo         start the system only
  --one-process     all deployables in one process
  --json            one JSON object per line on stdout
  --data DIR        keep state there between runs (default: fresh, removed at the end)
  --port-base N     take ports N, N+1, … (default: free ones)
  --stack-file FILE where the addresses are written (default: ${STACK_FILE})
  --help            this text`

export type StartOptions = {
  once: boolean
  demo: boolean
  oneProcess: boolean
  json: boolean
  dataDir: string | undefined
  portBase: number | undefined
  stackFile: string
}

/** Reads the command line; `help` when it asks for it. Throws for what isn't an option. */
export function readOptions(args: string[]): StartOptions | 'help' {
  const { values } = parse(args)
  if (values.help) return 'help'
  if (values.once && values['no-demo']) throw new PermanentError('--once is the demo; it can’t go with --no-demo')
  return {
    once: values.once ?? false,
    demo: !values['no-demo'],
    oneProcess: values['one-process'] ?? false,
    json: values.json ?? false,
    dataDir: readPath('--data', values.data),
    portBase: values['port-base'] === undefined ? undefined : readPort(values['port-base']),
    stackFile: readPath('--stack-file', values['stack-file']) ?? STACK_FILE
  }
}

function parse(args: string[]) {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args,
      options: {
        once: flag,
        'no-demo': flag,
        'one-process': flag,
        json: flag,
        data: text,
        'port-base': text,
        'stack-file': text,
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (error) {
    throw new PermanentError(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
  }
}

function readPath(flag: string, value: string | undefined): string | undefined {
  if (value === '') throw new PermanentError(`${flag} is empty: give a path`)
  return value
}

function readPort(value: string): number {
  const port = Number(value)
  if (!Number.isInteger(port) || port < 1024 || port > 65_000) {
    throw new PermanentError(`--port-base is ${value}: give a number from 1024 to 65000`)
  }
  return port
}
