import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type DeployableName, deployableNames, deployables, type ServiceName, serviceNames } from './deployables.ts'
import { oracleEnvironment, type Places, relayerEnvironment, serviceEnvironment, serviceUrl } from './environment.ts'
import { type Supervised, supervise } from './supervisor.ts'

const READY_MS = 120_000
const SWEEP_MS = 5_000
const PRUNE_MS = 3_600_000

export type Processes = {
  /** By deployable; with one process for all, the same one under every name. */
  byName: Readonly<Record<DeployableName, Supervised>>
  /** Resolves when every deployable is ready. */
  ready(): Promise<void>
  /** Rejects when a deployable gives up; it is not restarted then. */
  gaveUp: Promise<never>
  stop(): Promise<void>
}

export type ProcessOptions = {
  places: Places
  oneProcess?: boolean
  preload?: Partial<Record<DeployableName, string>>
  onLog?(name: DeployableName, entry: Record<string, unknown> | undefined, line: string): void
}

/** Every deployable as its own process, by the main.ts and environment of production, restarted when it dies; or all in one. */
export function startProcesses(options: ProcessOptions): Processes {
  const { places, oneProcess = false, preload = {} } = options
  const { promise: gaveUp, reject: giveUp } = Promise.withResolvers<never>()
  gaveUp.catch(() => undefined) // told to whoever waits for it; nobody has to

  const start: Start = (name, command) => launch(name, { ...command, onLog: options.onLog, giveUp })
  const environment = environments(places)
  const byName = oneProcess ? allInOne(start, environment) : oneEach(start, { environment, preload })
  const distinct = [...new Set(Object.values(byName))]
  const schedules = startSchedules(places)
  return {
    byName,
    gaveUp,
    ready: () => Promise.race([gaveUp, untilReady(places.ports)]),
    async stop() {
      for (const one of schedules) clearInterval(one)
      await Promise.all(distinct.map(one => one.stop()))
    }
  }
}

export type Instance = { url: string; ready(): Promise<void>; stop(): Promise<void> }

export type InstanceOptions = {
  places: Places
  port: number
  /** Instead of the service's own main.ts. */
  main?: string | undefined
  /** More environment variables. */
  settings?: Record<string, string> | undefined
  onLog?: ProcessOptions['onLog']
}

/** One more process of a service, on a port of its own: it shares the database, and takes the same push tokens. */
export function startInstance(name: ServiceName, options: InstanceOptions): Instance {
  const { places, port, main, settings, onLog } = options
  const { promise: gaveUp, reject: giveUp } = Promise.withResolvers<never>()
  gaveUp.catch(() => undefined)
  const env = { ...environments(places)[name], ...settings, PORT: String(port) }
  const script = main ?? deployables[name].main
  const one = launch(name, { script, arguments: deployables[name].arguments, env, onLog, giveUp })
  return {
    url: serviceUrl(port),
    ready: () => Promise.race([gaveUp, untilReady({ [name]: port })]),
    stop: () => one.stop()
  }
}

type Environments = Record<DeployableName, Record<string, string>>
type Command = { script: string; arguments: string[]; env: Record<string, string>; flags?: readonly string[] }
type Start = (name: string, command: Command) => Supervised

function launch(
  name: string,
  command: Command & { onLog: ProcessOptions['onLog']; giveUp(error: Error): void }
): Supervised {
  const { script, arguments: args, env, flags = [], onLog, giveUp } = command
  let lastLine = ''
  return supervise({
    name,
    command: [process.execPath, ...flags, script, ...args],
    env: { ...inherited(), ...env },
    onLine: line => {
      lastLine = line
      tell(onLog, { name, line })
    },
    onDeath: cause => tell(onLog, { name, line: `died (${cause}) and is started again` }),
    onGiveUp: reason => giveUp(new Error(`${name} gave up (${reason}): ${lastLine}`))
  })
}

function environments(places: Places): Environments {
  const databaseOf = (name: DeployableName) => places.databases[deployables[name].database] ?? ''
  const services = serviceNames.map(name => [name, serviceEnvironment(name, { places, database: databaseOf(name) })])
  const relayer = relayerEnvironment({ places, database: databaseOf('event-relayer') })
  const oracle = oracleEnvironment({ places, database: databaseOf('price-oracle') })
  // One entry for each deployable: the services, the relayer and the functions.
  return Object.fromEntries([...services, ['event-relayer', relayer], ['price-oracle', oracle]]) as Environments
}

function oneEach(
  start: Start,
  { environment, preload }: { environment: Environments; preload: ProcessOptions['preload'] }
) {
  const entries = deployableNames.map(name => {
    const { main, arguments: args, flags } = deployables[name]
    const preloaded = preload?.[name]
    const allFlags = [...flags, ...(preloaded ? ['--import', preloaded] : [])]
    return [name, start(name, { script: main, arguments: args, env: environment[name], flags: allFlags })]
  })
  return Object.fromEntries(entries) as Record<DeployableName, Supervised> // an entry for each name
}

function allInOne(start: Start, environment: Environments) {
  const script = fileURLToPath(new URL('./one-process.ts', import.meta.url))
  const { PUBSUB_EMULATOR_HOST = '', METADATA_SERVER_DETECTION = '' } = environment.settlement
  // Libraries read these of the process itself.
  const env = { PUBSUB_EMULATOR_HOST, METADATA_SERVER_DETECTION, DEPLOYABLES: JSON.stringify(environment) }
  const one = start('one-process', { script, arguments: [], env })
  return Object.fromEntries(deployableNames.map(name => [name, one])) as Record<DeployableName, Supervised> // an entry for each name
}

/** Only what a process needs of its machine; settings of production come from the stack alone. Not LOG_LEVEL: the demo follows info lines. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NODE_OPTIONS', 'NODE_COMPILE_CACHE', 'NODE_V8_COVERAGE']
  return Object.fromEntries(names.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
}

function tell(onLog: ProcessOptions['onLog'], { name, line }: { name: string; line: string }): void {
  if (!onLog) return
  const entry = parseLine(line)
  const service = typeof entry?.service === 'string' ? entry.service : name
  // A log line names its deployable; any other text comes from the process that carries that name.
  onLog(service as DeployableName, entry, line)
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

async function untilReady(ports: Readonly<Record<string, number>>): Promise<void> {
  const deadline = performance.now() + READY_MS
  for (const [name, port] of Object.entries(ports)) {
    while (!(await isReady(port))) {
      if (performance.now() > deadline) throw new Error(`${name} was not ready within ${READY_MS / 1000} s`)
      await sleep(50)
    }
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`${serviceUrl(port)}/health/ready`)).ok
  } catch {
    return false
  }
}

const sweeps: Readonly<Record<ServiceName, readonly string[]>> = {
  settlement: ['/outbox/sweep', '/commands/sweep'],
  'risk-engine': ['/outbox/sweep', '/margin/sweep'],
  compliance: ['/outbox/sweep', '/screenings/rescreen', '/compliance/audit/publish']
}
const prunes = ['/inbox/prune', '/outbox/prune']

/** What Cloud Scheduler does in production: publish what a crash or an outage left in an outbox, try again what was held, and so on. */
function startSchedules({ ports }: Places): NodeJS.Timeout[] {
  const every = (ms: number, pathsOf: (name: ServiceName) => readonly string[]) => {
    const urls = serviceNames.flatMap(name => pathsOf(name).map(path => `${serviceUrl(ports[name])}${path}`))
    const call = (url: string) => fetch(url, { method: 'POST' }).catch(() => undefined)
    return setInterval(() => void Promise.all(urls.map(call)), ms)
  }
  return [every(SWEEP_MS, name => sweeps[name]), every(PRUNE_MS, () => prunes)]
}
