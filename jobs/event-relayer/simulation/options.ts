import { parseArgs } from 'node:util'
import { PermanentError } from '@fusion-prime/runtime'
import type { Protection } from '../src/world.ts'

export const USAGE = `usage: npm run simulate -- [--seeds N] [--from N] [--workers N]
       npm run simulate -- --seed N [--verbose]
       npm run simulate -- --without <protection> [--seeds 100]

  --seeds N     seeds to play on which a fault happened (1000)
  --from N      the first of them (1)
  --workers N   processes, each with a database of its own (2)
  --seed N      one seed alone, with its trace if it fails
  --verbose     its trace in any case
  --without P   takes a protection away, until that is noticed: omission_check, fencing, reorg_rule, raise_by_hash,
                incarnation or outbox_transaction

Exit code: 0 nothing was found wrong (with --without: something was), 1 otherwise.`

export const protections = [
  'omission_check',
  'fencing',
  'reorg_rule',
  'raise_by_hash',
  'incarnation',
  'outbox_transaction'
] as const satisfies readonly Protection[]

export type Options = {
  from: number
  seeds: number
  workers: number
  verbose: boolean
  without: Protection | undefined
}

export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      workers: { type: 'string' },
      without: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  if (values.help) return 'help'
  const number = (name: 'seeds' | 'from' | 'seed' | 'workers', fallback: number): number => {
    const text = values[name]
    if (text === undefined) return fallback
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < 1) throw new PermanentError(`--${name} ${text}: use a number from 1 on`)
    return value
  }
  const alone = values.seed === undefined ? undefined : number('seed', 1)
  const without = protections.find(one => one === values.without)
  if (values.without !== undefined && without === undefined)
    throw new PermanentError(`--without ${values.without}: use one of ${protections.join(', ')}`)
  return {
    from: alone ?? number('from', 1),
    seeds: alone === undefined ? number('seeds', without ? 100 : 1_000) : 1,
    workers: alone === undefined ? number('workers', 2) : 1,
    verbose: values.verbose,
    without
  }
}
