import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../e2e/crash-script.ts'
import type { Context, Fault, Instead } from './fault.ts'
import { type FaultName, faults } from './faults.ts'
import { ask, type Call, JsonRpcError } from './json-rpc.ts'

/** What a provider does wrong with the request that comes now: the first of these that changes something. */
export type Mood = (provider: number) => readonly FaultName[]

export type NodeProxy = {
  /** Of a provider, 0, 1, 2, …; they have the node in common and nothing else. */
  url(provider: number): string
  /** From the next request on another node answers. */
  setNode(url: string): void
  setMood(mood: Mood): void
  /** How often each fault has altered something. */
  readonly fired: ReadonlyMap<FaultName, number>
  /** Which provider was asked last in the course of work, and how many such requests came. */
  readonly last: { provider: number; requests: number }
  close(): Promise<void>
}

/** What is asked once, before any work. */
const AT_START = ['eth_chainId', 'eth_getCode']

export const wellBehaved: Mood = () => []

/** Stands between the relayer and a node, as any number of providers that misbehave as they are told. */
export async function startProxy({ node, random }: { node: string; random: Random }): Promise<NodeProxy> {
  let mood = wellBehaved
  const last = { provider: 0, requests: 0 }
  const fired = new Map<FaultName, number>()
  const context: Context = { ask: (method, params) => ask(node, method, params), random }

  const server = createServer((request, response) => {
    const provider = Number(request.url?.slice(1))
    handle(request, response, provider).catch(() => response.destroy())
  })

  async function handle(request: IncomingMessage, response: ServerResponse, provider: number): Promise<void> {
    const asked: Call | Call[] = JSON.parse(await text(request))
    const calls = [asked].flat()
    if (calls.some(({ method }) => !AT_START.includes(method))) {
      last.provider = provider
      last.requests += 1
    }
    const names = mood(provider)
    for (const name of names) {
      const fault: Fault = faults[name]
      const instead = fault.request?.(calls, { ...context, batch: Array.isArray(asked) })
      if (!instead) continue
      fire(name)
      return send(response, instead)
    }
    const answers = await Promise.all(calls.map(call => answer({ ...call, params: call.params ?? [] }, names)))
    const honest = JSON.stringify(Array.isArray(asked) ? answers : answers[0])
    for (const name of names) {
      const fault: Fault = faults[name]
      const body = fault.body?.(honest) ?? honest
      if (body === honest) continue
      fire(name)
      return send(response, { status: 200, body })
    }
    return send(response, { status: 200, body: honest })
  }

  async function answer(call: Call, names: readonly FaultName[]): Promise<Record<string, unknown>> {
    const head = { jsonrpc: '2.0', id: call.id }
    try {
      return { ...head, result: await resultOf(call, names) }
    } catch (error) {
      if (!(error instanceof JsonRpcError)) throw error
      const { code, message, data } = error
      return { ...head, error: { code, message, data } }
    }
  }

  async function resultOf(call: Call, names: readonly FaultName[]): Promise<unknown> {
    const honest = await context.ask(call.method, call.params)
    for (const name of names) {
      const fault: Fault = faults[name]
      try {
        const result = fault.result ? await fault.result(honest, call, context) : honest
        if (result === honest) continue
        fire(name)
        return result
      } catch (error) {
        fire(name)
        throw error
      }
    }
    return honest
  }

  const fire = (name: FaultName) => fired.set(name, (fired.get(name) ?? 0) + 1)

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: provider => `http://127.0.0.1:${address.port}/${provider}`,
    setNode(url) {
      node = url
    },
    setMood(next) {
      mood = next
    },
    fired,
    last,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    }
  }
}

async function send(response: ServerResponse, what: Instead): Promise<void> {
  if ('reset' in what) response.destroy()
  else if ('silentMs' in what) {
    await sleep(what.silentMs, undefined, { ref: false })
    response.destroy()
  } else response.writeHead(what.status, { 'content-type': 'application/json', ...what.headers }).end(what.body)
}
