import assert from 'node:assert/strict'
import type { Pool } from '@fusion-prime/postgres'
import { createLog, readConfig } from '@fusion-prime/runtime'
import type { Range } from '../chain.ts'
import { RelayerConfig } from '../config.ts'
import { address, approved, deployed, modelChain, released, unknownEvent } from '../read/model-fixture.ts'
import {
  connectTo,
  type ModelNode,
  modelDatabase,
  modelEnv,
  modelNode,
  modelRelayer
} from '../testing/model-relayer.ts'
import { systemClock } from '../world.ts'
import { runVerify } from './mode.ts'

export const [one, two] = [address(0xe1), address(0xe2)]
const malformed = { ...approved(one), data: '0x01' }
const stranger = deployed(address(0xe9), address(0x57))
/** Blocks 0 to 16, of which all but the last four are final in the end. */
export const chain = modelChain([
  [],
  [[approved(one), deployed(one)]],
  [[approved(one), approved(one, address(0xa2))], [unknownEvent(one)]],
  [[malformed], [stranger]],
  [],
  [[deployed(two)]],
  [[approved(two)]],
  [],
  [],
  [[approved(one, address(0xa3))]],
  [[released(one)]],
  [],
  [],
  [[approved(two, address(0xa3))]],
  [],
  [[approved(two, address(0xa4))]],
  []
])

export type Scene = {
  sql: Pool
  url: string
  node: ModelNode
  tables: readonly string[]
  /** Puts every table back as the relayer left it; the copies are in the schema `saved`. */
  restore(): Promise<void>
  close(): Promise<void>
}

/** A database that a relayer filled, in four ticks. */
export async function createScene(): Promise<Scene> {
  const { url, sql, close } = await modelDatabase()
  const node = modelNode(chain)
  const relayer = modelRelayer({ url, nodes: [node], env: { MAX_BLOCK_RANGE: '4' } })
  for (const height of [6, 9, 13, 17]) {
    node.chain = chain.slice(0, height)
    await relayer.tick()
  }
  await relayer.close()
  const rows = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'`
  const tables = rows.map(({ name }) => name)
  await sql`create schema saved`
  for (const table of tables) await sql`create table saved.${sql(table)} as table ${sql(table)}`
  const place = (table: string) => ['blocks', 'raw_logs', 'facts', 'escrows'].indexOf(table)
  const parentsFirst = tables.toSorted((a, b) => place(a) - place(b))
  return {
    ...{ sql, url, node, tables, close },
    async restore() {
      await sql.unsafe(`truncate ${tables.join(', ')}`)
      for (const table of parentsFirst)
        await sql`insert into ${sql(table)} overriding system value table saved.${sql(table)}`
    }
  }
}

type Asked = { range?: Partial<Range>; nodes?: readonly ModelNode[]; env?: Record<string, string> }

/** What `--mode=verify --json` says, and its exit code. */
export async function verifyScene(
  scene: Pick<Scene, 'url' | 'node'>,
  { range = {}, nodes = [scene.node], env = {} }: Asked = {}
): Promise<{ code: number; found: Record<string, unknown>[]; summary: Record<string, unknown> }> {
  const written: string[] = []
  const code = await runVerify({
    config: readConfig(RelayerConfig, modelEnv({ url: scene.url, nodes, env: { MAX_BLOCK_RANGE: '5', ...env } })),
    log: createLog('verify-test', { write: () => undefined }),
    range,
    format: 'json',
    write: text => void written.push(text),
    progress: undefined,
    world: { connect: connectTo(nodes), clock: systemClock }
  })
  const lines = written.map(line => JSON.parse(line) as Record<string, unknown>)
  const summary = lines.pop()
  assert.ok(summary)
  return { code, found: lines, summary }
}
