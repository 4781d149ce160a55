import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Address, createEscrowClient } from '@fusion-prime/chain'
import { catalog } from '@fusion-prime/events'
import { createSql, migrate } from '@fusion-prime/postgres'
import { type Broker, type BrokerOptions, createBroker } from './broker/broker.ts'
import type { Catalog } from './broker/catalog.ts'
import type { Faults } from './broker/faults.ts'
import { type LocalChain, startChain } from './chain.ts'
import { type DeployableName, deployableNames, deployables, functionNames, serviceNames } from './deployables.ts'
import { type Places, PROJECT, pushClaims, serviceUrl } from './environment.ts'
import { type Issuer, startIssuer } from './issuer.ts'
import { type Market, startMarket } from './market/market.ts'
import { freePorts, portsFrom } from './ports.ts'
import { type LocalPostgres, startPostgres } from './postgres.ts'
import { type Processes, startProcesses } from './processes.ts'
import type { StackFile } from './stack-file.ts'

export type StackOptions = {
  /** State is kept here between runs; default: a temporary folder, removed at the end. */
  dataDir?: string | undefined
  /** First of the ports that are taken in a row; default: free ones. */
  portBase?: number | undefined
  /** All deployables in one process instead of one each. */
  oneProcess?: boolean
  /** Seconds that the payer waits for a refund after the release time. */
  refundDelay?: bigint
  faults?: Faults | undefined
  /** Replaces the back-off of every subscription, so that a test needn't wait 10 s. */
  retry?: { minimumBackoffSeconds: number; maximumBackoffSeconds: number } | undefined
  /** Modules that a deployable loads before its main.ts, by name; how a test reaches into it. */
  preload?: Partial<Record<DeployableName, string>>
  onProgress?(step: string): void
  /** A line that a deployable wrote, parsed: an object of its log, or undefined for other text. */
  onLog?(name: DeployableName, entry: Record<string, unknown> | undefined, line: string): void
}

export type Stack = {
  chain: LocalChain
  postgres: LocalPostgres
  readonly broker: Broker
  issuer: Issuer
  /** Moves prices, and makes their sources misbehave. */
  market: Market
  processes: Processes
  /** For further processes. */
  places: Places
  factory: Address
  /** What `.local/stack.json` says. */
  file: StackFile
  /** A new broker at the same address, with other settings and without messages. */
  renewBroker(settings: BrokerSettings): Promise<Broker>
  stop(): Promise<void>
}

export type BrokerSettings = Pick<BrokerOptions, 'faults' | 'retry' | 'maxOutstanding' | 'dataDir'> & {
  /** The project's own by default. */
  catalog?: Catalog
}

/** The addresses that the demo's sanctions list names: one of the local chain's own accounts. */
const SANCTIONED_ACCOUNT = 8
/** Nobody else sends from this one. */
const MARKET_ACCOUNT = 9
const REFUND_DELAY_SECONDS = 3n
const PORTS = 9

/** Starts the whole system on this machine: chain, Postgres, issuer, broker, then every deployable. Whatever fails, what was started is stopped. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const running: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const end of running.splice(0).reverse()) await end()
  }
  try {
    return await start(options, { running, stop })
  } catch (error) {
    await stop()
    throw error
  }
}

type Running = { running: (() => Promise<unknown>)[]; stop(): Promise<void> }

async function start(options: StackOptions, { running, stop }: Running): Promise<Stack> {
  const progress = options.onProgress ?? (() => {})
  const { portBase } = options
  const ports = portBase === undefined ? await freePorts(PORTS) : await portsFrom(portBase, PORTS)
  const [chainPort = 0, postgresPort = 0, issuerPort = 0, brokerPort = 0, ...deployablePorts] = ports

  const home = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'fusion-prime-stack-')))
  if (options.dataDir) await mkdir(home, { recursive: true })
  else running.push(() => rm(home, { recursive: true, force: true }))
  const kept = (name: string): string | undefined => options.dataDir && join(home, name)

  progress('starting chain, Postgres, token issuer and broker')
  const databases = deployableNames.map(name => deployables[name].database)
  const chainState = kept('chain.json')
  const parts = [
    track(running, startChain({ port: chainPort, ...(chainState && { stateFile: chainState }) })),
    track(
      running,
      startPostgres({
        dataDir: kept('postgres'),
        port: postgresPort,
        databases,
        durable: options.dataDir !== undefined
      })
    ),
    track(
      running,
      startIssuer({ port: issuerPort }).then(made => ({ ...made, stop: () => made.close() }))
    )
  ] as const
  // A failure is told when none is under way any more: what came up meanwhile is stopped, too.
  await Promise.allSettled(parts)
  const [chain, postgres, issuer] = await Promise.all(parts)
  const brokerData = kept('broker')
  const openBroker = (settings: BrokerSettings) =>
    createBroker({ project: PROJECT, port: brokerPort, mintToken: claims => issuer.mint(claims), ...settings })
  let broker = await openBroker({
    ...(options.faults && { faults: options.faults }),
    ...(options.retry && { retry: options.retry }),
    ...(brokerData && { dataDir: brokerData })
  })
  running.push(() => broker.close())

  progress('migrating the databases')
  await Promise.all(deployableNames.map(name => migrateDatabase(postgres, name)))

  progress('deploying the escrow factory')
  const { factory, startBlock } = await deployFactory({
    chain,
    home,
    refundDelay: options.refundDelay ?? REFUND_DELAY_SECONDS
  })

  progress('opening the market: price aggregators on the chain, stand-ins of Pyth and of exchanges')
  const from = chain.accounts[MARKET_ACCOUNT]
  if (!from) throw new Error('the local chain has no account for the market')
  const market = await track(running, startMarket({ rpcUrl: chain.rpcUrl, chainId: chain.chainId, from }))

  // deployablePorts has a port for each name: PORTS is four more than there are deployables.
  const portOf = Object.fromEntries(
    deployableNames.map((name, index) => [name, deployablePorts[index]])
  ) as Places['ports']
  const places: Places = {
    rpcUrl: chain.rpcUrl,
    chainId: chain.chainId,
    factory,
    startBlock,
    brokerHost: broker.host,
    issuer: { url: issuer.url, jwksUrl: issuer.jwksUrl },
    databases: postgres.urls,
    ports: portOf,
    sanctionsListUrl: await writeSanctionsList(home, chain.accounts[SANCTIONED_ACCOUNT]),
    pollSeconds: 1,
    market: market.settings
  }
  const endpoints = Object.fromEntries(serviceNames.map(name => [name, endpoint(name, places)]))
  broker.applyCatalog(catalog(), { endpoints })

  progress(
    options.oneProcess
      ? 'starting all deployables in one process'
      : 'starting the relayer, three services and the price oracle'
  )
  const processes = startProcesses({ places, ...options })
  running.push(() => processes.stop())
  await processes.ready()
  return {
    chain,
    postgres,
    get broker() {
      return broker
    },
    issuer,
    market,
    processes,
    places,
    factory,
    file: describe({ places, chain, issuer }),
    async renewBroker({ catalog: other, ...settings }) {
      await broker.close()
      broker = await openBroker(settings)
      broker.applyCatalog(other ?? catalog(), { endpoints })
      return broker
    },
    stop
  }
}

async function track<Part extends { stop(): Promise<void> }>(
  running: Running['running'],
  starting: Promise<Part>
): Promise<Part> {
  const part = await starting
  running.push(() => part.stop())
  return part
}

const endpoint = (name: (typeof serviceNames)[number], places: Places) => {
  const url = serviceUrl(places.ports[name])
  return { url, ...pushClaims(name, url) }
}

async function migrateDatabase(postgres: LocalPostgres, name: DeployableName): Promise<void> {
  const { database, migrations } = deployables[name]
  const sql = createSql({ url: postgres.urls[database], max: 2, applicationName: 'migrate' })
  try {
    await migrate(sql, { folders: migrations })
  } finally {
    await sql.end()
  }
}

/** Deploys the factory, or finds the one that an earlier run left in the folder with its chain. */
async function deployFactory({ chain, home, refundDelay }: { chain: LocalChain; home: string; refundDelay: bigint }) {
  const path = join(home, 'factory.json')
  // Written by this function and nobody else.
  if (existsSync(path)) return JSON.parse(await readFile(path, 'utf8')) as { factory: Address; startBlock: number }
  const [from] = chain.accounts
  if (!from) throw new Error('the local chain has no accounts')
  const client = createEscrowClient({ rpcUrl: chain.rpcUrl, chainId: chain.chainId })
  const { factory, blockNumber } = await client.deployFactory({ from, refundDelay })
  const deployed = { factory, startBlock: Number(blockNumber) }
  await writeFile(path, JSON.stringify(deployed))
  return deployed
}

async function writeSanctionsList(home: string, address: string | undefined): Promise<string> {
  const path = join(home, 'sanctions.json')
  const addresses = address ? [{ address, chain: 'ethereum', list: 'demo' }] : []
  await writeFile(path, JSON.stringify({ version: 'demo-1', as_of: new Date().toISOString(), addresses, names: [] }))
  return pathToFileURL(path).href
}

function describe({ places, chain, issuer }: { places: Places; chain: LocalChain; issuer: Issuer }): StackFile {
  const services = Object.fromEntries(serviceNames.map(name => [name, serviceUrl(places.ports[name])]))
  return {
    pid: process.pid,
    rpc_url: places.rpcUrl,
    chain_id: places.chainId,
    factory: places.factory,
    accounts: chain.accounts,
    pubsub: { emulator_host: places.brokerHost, project: PROJECT },
    databases: { ...places.databases },
    services,
    functions: Object.fromEntries(functionNames.map(name => [name, serviceUrl(places.ports[name])])),
    relayer: serviceUrl(places.ports['event-relayer']),
    push: Object.fromEntries(serviceNames.map(name => [name, pushClaims(name, serviceUrl(places.ports[name]))])),
    issuer: { url: places.issuer.url, jwks_url: places.issuer.jwksUrl, token_url: issuer.tokenUrl }
  }
}
