import type { Random } from '../../../e2e/crash-script.ts'
import type { Call } from './json-rpc.ts'

/** Fields of blocks, logs and receipts as they travel; the proxy alters them without knowing them all. */
export type Fields = Record<string, unknown>

export type Context = {
  /** The honest node's answer; throws the error that it answers. */
  ask(method: string, params: readonly unknown[]): Promise<unknown>
  random: Random
}

/** What goes out instead of an answer: a whole HTTP answer, silence for so long, or a closed connection. */
export type Instead =
  | { status: number; headers?: Record<string, string>; body: string }
  | { silentMs: number }
  | { reset: true }

/** A way in which a node misbehaves. A part that leaves things as they are hasn't fired. */
export type Fault = {
  /** Before the node is asked. */
  request?(calls: readonly Call[], context: Context & { batch: boolean }): Instead | undefined
  /** Of one call; throws a JsonRpcError to answer an error. Answering the same object means: not concerned. */
  result?(result: unknown, call: Call, context: Context): unknown
  /** Of the whole body, last. */
  body?(text: string): string
}

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

/** The list that a method answers, or undefined for another method or an empty answer. */
export function listOf(result: unknown, { method }: Call, expected: string): Fields[] | undefined {
  return method === expected && Array.isArray(result) && result.length > 0 ? result : undefined
}

const BLOCK_METHODS = ['eth_getBlockByNumber', 'eth_getBlockByHash']

/** The block that a call answers, or undefined. */
export function blockOf(result: unknown, { method }: Call): Fields | undefined {
  return BLOCK_METHODS.includes(method) && isFields(result) ? result : undefined
}

export function randomHex({ random }: Context, bytes: number): string {
  const byte = () =>
    Math.floor(random() * 256)
      .toString(16)
      .padStart(2, '0')
  return `0x${Array.from({ length: bytes }, byte).join('')}`
}
