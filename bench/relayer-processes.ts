import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { migrations } from '@fusion-prime/event-relayer'
import { createSql, migrate, type Pool } from '@fusion-prime/postgres'
import type { LocalPostgres } from '../shared/local/src/postgres.ts'
import type { Counts } from './relayer-answers.ts'
import type { NodePlan, NodePorts } from './relayer-node.ts'
import type { NodeHeads } from './relayer-scenarios.ts'

export type ModelNode = AsyncDisposable & {
  urls: string[]
  /** Sets the heads and begins to count anew. */
  begin(heads: NodeHeads): Promise<void>
  counts(): Promise<Counts>
}

/** A JSON-RPC node with a chain, in a process of its own. */
export async function startNode(plan: NodePlan): Promise<ModelNode> {
  const { message, ...process } = await startProcess('relayer-node.ts', JSON.stringify(plan))
  // What the node sends.
  const { providers, control } = message as NodePorts
  const controlUrl = urlOf(control)
  const ask = async (init: RequestInit): Promise<Counts> => {
    const answer = await fetch(controlUrl, init)
    if (!answer.ok) throw new Error(`the node answered ${answer.status}: ${await answer.text()}`)
    // What the node answers.
    return (await answer.json()) as Counts
  }
  return {
    urls: providers.map(urlOf),
    begin: async heads => void (await ask({ method: 'PUT', body: JSON.stringify(heads) })),
    counts: () => ask({ method: 'GET' }),
    ...process
  }
}

/** A Pub/Sub with the catalogue's topics, in a process of its own. */
export async function startBroker(project: string): Promise<AsyncDisposable & { host: string }> {
  const { message, ...process } = await startProcess('relayer-broker.ts', project)
  return { host: String(message), ...process }
}

export type Database = AsyncDisposable & { url: string; sql: Pool }

/** Counting the rows of a full run takes a while. */
const STATEMENT_MS = 60_000

/** An empty database of the relayer, dropped at the end. */
export async function openDatabase(postgres: LocalPostgres): Promise<Database> {
  const name = 'bench_relayer'
  const url = await postgres.createDatabase(name)
  const sql = createSql({ url, max: 1, applicationName: 'bench', statementTimeoutMs: STATEMENT_MS })
  await migrate(sql, { folders: migrations })
  return {
    url,
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end()
      await postgres.dropDatabase(name)
    }
  }
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}`

/** Resolves with the process's first message; rejects if it ends without one. */
async function startProcess(script: string, argument: string): Promise<AsyncDisposable & { message: unknown }> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), [argument])
  const exited = once(child, 'exit')
  const failed = exited.then(([code]) => Promise.reject(new Error(`${script} ended with ${code} before it was ready`)))
  const [message]: unknown[] = await Promise.race([once(child, 'message'), failed])
  failed.catch(() => undefined)
  return { message, [Symbol.asyncDispose]: () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
