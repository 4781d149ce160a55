import { parseArgs } from 'node:util'
import { createLog, EXIT, PermanentError, readConfig, run } from '@fusion-prime/runtime'
import { createEventRelayer } from './app.ts'
import { TaskConfig } from './backfill/config.ts'
import { RelayerConfig } from './config.ts'
import { statusTable } from './providers/status-table.ts'
import { resume } from './resume.ts'
import { runVerify } from './verify/mode.ts'

const USAGE = `usage: main.ts --mode=MODE

  tick       relays what came since the checkpoint, then exits
  loop       ticks every POLL_INTERVAL_SECONDS, with health and metrics on PORT
  resume     after a halt: --from-block N --confirm reads the chain anew from block N; without --confirm it tells what it would do
  backfill   --from N --to N relays a range of final blocks, as live relaying would have: all of it into an empty database, what follows the
             checkpoint, or history from before the first relayed block (then everything from N to the checkpoint is read, whatever --to says).
             CLOUD_RUN_TASK_INDEX of CLOUD_RUN_TASK_COUNT processes share it; a loop may go on meanwhile; run again, it goes on where it was
  verify     compares what is stored of blocks --from N --to N (default: all) with the chain, read through another provider than the one that is
             followed where RPC_URLS has several; a line per difference on stdout, --json for JSON. Exit code 0 equal, 1 differs, 75 unreadable
  reconcile  compares the chain with the facts and manifests that the services hold of blocks --from N --to N (default: all that was stated as final)
             and lets each check the rows that it derives; what is missing is published again and written, unless --no-repair is given, what differs
             is named. --chain-id N, --json. Where nothing is set, the stack of .local/stack.json. Exit code 0 equal or repaired, 1 something stays
             wrong, 75 unreadable
  providers  asks every provider in RPC_URLS for its head and prints how it stands

Exit codes: 0 done, 1 gives up, 75 try again (also while another relayer holds the lease).
Settings are environment variables; .env.example lists them.`

const log = createLog('event-relayer')

const modes = {
  tick,
  loop,
  resume: resumeFrom,
  backfill,
  verify,
  reconcile,
  providers
}
type Mode = keyof typeof modes

function readArguments() {
  const { values } = parseArgs({
    options: {
      mode: { type: 'string' },
      'from-block': { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      confirm: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'chain-id': { type: 'string' },
      repair: { type: 'boolean', default: true },
      help: { type: 'boolean', short: 'h' }
    },
    allowNegative: true
  })
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    process.exit(EXIT.done)
  }
  return values
}

function numberOf(name: string, text: string | undefined): number {
  if (text !== undefined && /^[0-9]{1,15}$/.test(text)) return Number(text)
  throw new PermanentError(`--${name} is ${text ?? 'missing'}: it must be a number`)
}

const isMode = (mode: string | undefined): mode is Mode => mode !== undefined && mode in modes

const build = () => createEventRelayer({ config: readConfig(RelayerConfig, process.env), log })

async function loop(): Promise<() => Promise<void>> {
  const { startRelayer } = await import('./start.ts') // an HTTP server that no other mode has
  return startRelayer({ env: process.env, log })
}

async function tick(): Promise<never> {
  const relayer = build()
  const stopped = new AbortController()
  process.once('SIGTERM', () => stopped.abort())
  try {
    await relayer.check()
    const done = await relayer.tick(stopped.signal)
    if (done.held) log.warn({}, 'lease_held_by_another')
    log.info(done, 'tick_done')
    const complete = !done.held && done.unpublished === 0 && done.behind === 0
    process.exitCode = complete ? EXIT.done : EXIT.tryAgain
  } finally {
    await relayer.release().catch(error => log.warn({ error }, 'lease_not_released'))
    await relayer.close()
  }
  process.exit()
}

async function resumeFrom(): Promise<never> {
  const { 'from-block': from, confirm } = readArguments()
  const fromBlock = numberOf('from-block', from)
  const relayer = build()
  try {
    const done = await resume(relayer.relayer, { fromBlock, mode: confirm ? 'confirmed' : 'dry run' })
    if (done.confirmed) log.warn(done, 'resumed_by_operator')
    else throw new PermanentError(`nothing was changed; --confirm would do this: ${JSON.stringify(done)}`)
  } finally {
    await relayer.release().catch(error => log.warn({ error }, 'lease_not_released'))
    await relayer.close()
  }
  process.exit(EXIT.done)
}

async function backfill(): Promise<never> {
  const { from, to } = readArguments()
  const range = { from: numberOf('from', from), to: numberOf('to', to) }
  const { CLOUD_RUN_TASK_INDEX: task, CLOUD_RUN_TASK_COUNT: tasks } = readConfig(TaskConfig, process.env)
  const relayer = build()
  const stopped = new AbortController()
  process.once('SIGTERM', () => stopped.abort())
  const write = process.stderr.isTTY ? (text: string) => void process.stderr.write(text) : undefined
  try {
    await relayer.check()
    const outcome = await relayer.backfill({ ...range, task, tasks, signal: stopped.signal, write })
    log.info({ ...range, task, outcome }, 'backfill_ended')
    process.exitCode = outcome === 'done' ? EXIT.done : EXIT.tryAgain
  } finally {
    await relayer.release().catch(error => log.warn({ error }, 'lease_not_released'))
    await relayer.close()
  }
  process.exit()
}

async function verify(): Promise<never> {
  const { from, to, json } = readArguments()
  const code = await runVerify({
    config: readConfig(RelayerConfig, process.env),
    // The report alone goes to stdout.
    log: createLog('event-relayer', process.stderr),
    range: {
      ...(from !== undefined && { from: numberOf('from', from) }),
      ...(to !== undefined && { to: numberOf('to', to) })
    },
    format: json ? 'json' : 'text',
    write: text => void process.stdout.write(text),
    progress: process.stderr.isTTY ? text => void process.stderr.write(text) : undefined
  })
  process.exit(code)
}

async function reconcile(): Promise<never> {
  const { from, to, json, repair, 'chain-id': chain } = readArguments()
  // Calls to services are made in no other mode.
  const { ReconcileConfig, withLocalStack } = await import('./reconcile/config.ts')
  const { runReconcile } = await import('./reconcile/mode.ts')
  const env = withLocalStack(process.env)
  Object.assign(process.env, env) // Pub/Sub's client reads PUBSUB_EMULATOR_HOST of the process itself
  const code = await runReconcile({
    config: readConfig(ReconcileConfig, { ...env, ...(chain && { CHAIN_ID: chain }) }),
    log: createLog('event-relayer', process.stderr),
    range: {
      ...(from !== undefined && { from: numberOf('from', from) }),
      ...(to !== undefined && { to: numberOf('to', to) })
    },
    mode: repair ? 'repair' : 'report',
    format: json ? 'json' : 'text',
    write: text => void process.stdout.write(text),
    progress: process.stderr.isTTY ? text => void process.stderr.write(text) : undefined
  })
  process.exit(code)
}

async function providers(): Promise<never> {
  const relayer = build()
  process.stdout.write(statusTable(await relayer.look()))
  await relayer.close()
  process.exit(EXIT.done)
}

/** Runs the mode that the arguments name, to its exit code. */
export const main = (): Promise<void> =>
  run(log, async () => {
    const { mode } = readArguments()
    if (isMode(mode)) return modes[mode]()
    throw new PermanentError(`--mode is ${mode ?? 'missing'}: use --mode=${Object.keys(modes).join('|')}`)
  })
