import type { Hex } from 'viem'
import { type EscrowEvent, type Parameter, type Signature, signatures } from './signatures.ts'

/** What of a log decides its meaning, as `eth_getLogs` answers it. */
export type RawLog = { topics: readonly Hex[]; data: Hex }

/** `event` what it means, `name` and `signature` how the contract said it. */
export type DecodedEvent = EscrowEvent & { kind: 'event'; name: string; signature: string }

/** `malformed`: a known topic0 over bytes that no such event encodes to. `unknown`: another event, or an anonymous one. */
export type DecodedLog = DecodedEvent | { kind: 'malformed'; reason: string } | { kind: 'unknown' }

type Words = { [Type in Parameter['type']]: { pattern: RegExp; read: (word: string) => bigint | number | Hex } }

// Each pattern admits exactly the words that the type encodes to, so what decodes encodes back to the same bytes.
const words: Words = {
  address: { pattern: /^0{24}[0-9a-f]{40}$/, read: word => `0x${word.slice(24)}` },
  uint256: { pattern: /^[0-9a-f]{64}$/, read: word => BigInt(`0x${word}`) },
  uint8: { pattern: /^0{62}[0-9a-f]{2}$/, read: word => Number(`0x${word}`) }
}

const WORD = 64
const byTopic0 = Map.groupBy(signatures, signature => signature.topic0)

/** Decodes a log by its topic0 and number of topics; never throws. A log's `removed` flag is the caller's to heed. */
export function decodeLog({ topics, data }: RawLog): DecodedLog {
  const topic0 = topics[0]?.toLowerCase()
  // Any string may be looked up; only a topic0 is found.
  const candidates = byTopic0.get(topic0 as Hex)
  if (!candidates) return { kind: 'unknown' }
  const signature = candidates.find(candidate => candidate.topicCount === topics.length)
  if (!signature) return malformed(`no ${candidates[0]?.signature} has ${topics.length} topics`)
  if (![...topics, data].every(hex => hex.startsWith('0x'))) return malformed('hex without 0x')
  return decodeAs(signature, { topics, data })
}

function decodeAs(signature: Signature, { topics, data }: RawLog): DecodedLog {
  const indexed = topics.slice(1).map(topic => topic.slice(2).toLowerCase())
  const plain = data.slice(2).toLowerCase()
  const plainLength = WORD * (signature.parameters.length - indexed.length)
  if (plain.length !== plainLength) {
    return malformed(`data of ${signature.signature} has ${plain.length} hex digits instead of ${plainLength}`)
  }
  const args: Record<string, bigint | number | Hex> = {}
  let topicIndex = 0
  let offset = 0
  for (const { name, type, indexed: inTopic } of signature.parameters) {
    const word = inTopic ? indexed[topicIndex++] : plain.slice(offset, offset + WORD)
    if (!inTopic) offset += WORD
    if (!word || !words[type].pattern.test(word)) return malformed(`${name} is not an encoded ${type}`)
    args[name] = words[type].read(word)
  }
  const { event, name, signature: text } = signature
  // `args` has the names and types of the signature's parameters, which are those of its event.
  return { kind: 'event', event, name, signature: text, args } as DecodedEvent
}

const malformed = (reason: string): DecodedLog => ({ kind: 'malformed', reason })
