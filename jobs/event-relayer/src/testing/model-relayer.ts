import { testDatabase } from '@fusion-prime/local'
import { createSql, migrate, type OutboxMessage, type Pool, transaction } from '@fusion-prime/postgres'
import { createLog, readConfig } from '@fusion-prime/runtime'
import { Registry } from 'prom-client'
import { createEventRelayer, type EventRelayer, migrations } from '../app.ts'
import { RelayerConfig } from '../config.ts'
import { RpcFault } from '../providers/rpc.ts'
import { factory, type Lie, type LogQuery, matching, type Params } from '../read/model-fixture.ts'
import type { World } from '../world.ts'
import type { BuiltBlock } from './blocks.ts'

export type Call = { method: string; params: Params }

/** A provider of a model chain. What it has, what it says of finality and how it lies may change at any time. */
export type ModelNode = {
  url: string
  chain: readonly BuiltBlock[]
  safeDepth: number
  finalDepth: number
  lies: Record<string, Lie>
  calls: Call[]
}

export const modelNode = (chain: readonly BuiltBlock[], url = 'http://one.test'): ModelNode => ({
  url,
  chain,
  safeDepth: 2,
  finalDepth: 4,
  lies: {},
  calls: []
})

/** As over the wire: nothing that is answered is shared with the model. */
export function answer(node: ModelNode, { method, params }: Call): unknown {
  node.calls.push({ method, params })
  const truth = () => structuredClone(honest(node, { method, params }))
  const lie = node.lies[method]
  return lie ? lie(params, truth) : truth()
}

function honest(node: ModelNode, { method, params: [first] }: Call): unknown {
  switch (method) {
    case 'eth_chainId':
      return '0x7a69'
    case 'eth_getCode':
      return '0x60'
    case 'eth_getBlockByNumber':
      return blockAt(node, String(first))?.header ?? null
    case 'eth_getBlockReceipts':
      return blockAt(node, String(first))?.receipts ?? null
    case 'eth_getLogs':
      return matching(node.chain, first as LogQuery) // the reader builds it
    default:
      throw new RpcFault(`the model has no ${method}`, { kind: 'give_up' })
  }
}

function blockAt({ chain, safeDepth, finalDepth }: ModelNode, at: string): BuiltBlock | undefined {
  const depths: Record<string, number> = { latest: 0, safe: safeDepth, finalized: finalDepth }
  const depth = depths[at]
  if (depth !== undefined) return chain[chain.length - 1 - depth]
  return at.length === 66 ? chain.find(({ header }) => header.hash === at) : chain[Number(at)]
}

/** A log line as it is written. */
export type Line = Record<string, unknown> & { message: string; severity: string }

export type ModelRelayer = EventRelayer & {
  lines: Line[]
  published: OutboxMessage[]
  registry: Registry
}

export type ModelOptions = {
  url: string
  nodes: readonly ModelNode[]
  env?: Record<string, string>
  world?: Partial<World>
}

export const modelEnv = ({ url, nodes, env }: Pick<ModelOptions, 'url' | 'nodes' | 'env'>) => ({
  CHAIN_ID: '31337',
  RPC_URLS: nodes.map(node => node.url).join(','),
  ESCROW_FACTORIES: factory,
  START_BLOCK: '0',
  DATABASE_URL: url,
  GOOGLE_CLOUD_PROJECT: 'model',
  ...env
})

export const connectTo = (nodes: readonly ModelNode[]): World['connect'] => {
  return url => {
    const node = nodes.find(known => new URL(known.url).href === new URL(url).href)
    if (!node) throw new Error(`no model provider at ${url}`)
    return async (method, params) => answer(node, { method, params })
  }
}

/** A relayer over model providers, with a broker that takes everything and a clock that moves only when somebody sleeps. */
export function modelRelayer(options: ModelOptions): ModelRelayer {
  const config = readConfig(RelayerConfig, modelEnv(options))
  const published: OutboxMessage[] = []
  const lines: Line[] = []
  const registry = new Registry()
  let now = Date.parse('2030-01-01T00:00:00Z')
  const world: World = {
    connect: connectTo(options.nodes),
    publisher: {
      async publish(messages) {
        published.push(...messages)
        return messages.map(() => undefined)
      },
      close: async () => undefined
    },
    clock: {
      now: () => now,
      async sleep(ms) {
        now += ms
      }
    },
    transaction,
    at: () => undefined,
    without: new Set(),
    ...options.world
  }
  const log = createLog('event-relayer', { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  return { ...createEventRelayer({ config, log, world, registry }), lines, published, registry }
}

export type ModelDatabase = { url: string; sql: Pool; close(): Promise<void> }

/** A migrated database, and a pool to look into it. */
export async function modelDatabase(): Promise<ModelDatabase> {
  const database = await testDatabase()
  const sql = createSql({ url: database.url, max: 2, applicationName: 'relayer-test' })
  await migrate(sql, { folders: migrations })
  return {
    url: database.url,
    sql,
    async close() {
      await sql.end({ timeout: 1 })
      await database.close()
    }
  }
}
