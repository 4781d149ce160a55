import type { Header, RawLog } from '../chain.ts'
import type { RpcHeader } from '../proof/header.ts'
import { WrongAnswer } from '../providers/pool.ts'

type Hex = `0x${string}`
type Fields = Readonly<Record<string, unknown>>

const HEX = /^0x[0-9a-f]*$/
const QUANTITY = /^0x[0-9a-f]+$/i
const LAST_SECOND = Date.parse('9999-12-31T23:59:59Z') / 1000

/** A JSON-RPC quantity as a number; throws a WrongAnswer unless it is a safe integer. */
export function quantity(value: unknown): number {
  const number = typeof value === 'string' && QUANTITY.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number)) throw malformed('a quantity', value)
  return number
}

/** Unix seconds that have a year of four digits, as times on topics have. */
function time(value: unknown): number {
  const seconds = quantity(value)
  if (seconds > LAST_SECOND) throw malformed('a time', value)
  return seconds
}

/** Bytes in lower-case hex; throws a WrongAnswer unless there are `length` of them. */
export function bytes(value: unknown, length: number): Hex {
  const text = hex(value)
  if (text.length !== 2 + 2 * length) throw malformed(`${length} bytes`, value)
  return text
}

/** Any number of bytes in lower-case hex. */
export function hex(value: unknown): Hex {
  if (typeof value === 'string') {
    // The pattern makes it what the type says.
    if (HEX.test(value)) return value as Hex
    const lower = value.toLowerCase()
    if (HEX.test(lower)) return lower as Hex
  }
  throw malformed('hex', value)
}

export function record(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what, value)
  // Any object may be looked into; what is found is checked field by field.
  return value as Fields
}

export function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(what, value)
  return value
}

/** The fields of an `eth_getBlockByNumber` answer that the relayer uses, checked one by one; not yet its hash. */
export function toHeader(answer: RpcHeader): Header {
  return {
    number: quantity(answer.number),
    hash: bytes(answer.hash, 32),
    parent_hash: bytes(answer.parentHash, 32),
    timestamp: time(answer.timestamp),
    logs_bloom: bytes(answer.logsBloom, 256),
    receipts_root: bytes(answer.receiptsRoot, 32)
  }
}

/** A log as JSON-RPC gives it, checked field by field. How many topics there are, and what they mean, is for the decoder. */
export function toLog(value: unknown): RawLog {
  const log = record(value, 'a log')
  return {
    block_number: quantity(log.blockNumber),
    block_hash: bytes(log.blockHash, 32),
    transaction_hash: bytes(log.transactionHash, 32),
    log_index: quantity(log.logIndex),
    address: bytes(log.address, 20),
    topics: list(log.topics, 'a list of topics').map(hex),
    data: hex(log.data)
  }
}

const SHOWN = 80

export function malformed(what: string, value: unknown): WrongAnswer {
  const text = textOf(value)
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
  return new WrongAnswer(`the provider gave ${shown} for ${what}`, 'malformed')
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return 'something nested too deep to be shown'
  }
}
