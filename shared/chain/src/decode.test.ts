import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AbiEvent, encodeAbiParameters, encodeEventTopics, type Hex } from 'viem'
import { decodeLog, type RawLog } from './decode.ts'
import { type Signature, signatures, topicsOf } from './signatures.ts'

type Vector<Expected> = { id: string; log: RawLog & { removed: boolean }; expect: Expected }
type Arguments = Record<string, bigint | number | Hex>

const vectors = <Case>(name: string): Case[] =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../test-vectors/${name}.json`), 'utf8'))

const address = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`)
const values = { address, uint256: fc.bigInt(0n, 2n ** 256n - 1n), uint8: fc.integer({ min: 0, max: 255 }) }
const anySignature = fc.constantFrom(...signatures)
const anyEvent = anySignature.chain(signature =>
  fc.record({
    signature: fc.constant(signature),
    args: fc.record(Object.fromEntries(signature.parameters.map(({ name, type }) => [name, values[type]])))
  })
)

/** The library's encoder, as an oracle. */
function encode(signature: Signature, args: Arguments): RawLog {
  const item: AbiEvent = { type: 'event', name: signature.name, inputs: signature.parameters }
  const plain = signature.parameters.filter(parameter => !parameter.indexed)
  // With every argument given no topic is null or a list of alternatives.
  const topics = encodeEventTopics({ abi: [item], args }) as Hex[]
  return {
    topics,
    data: encodeAbiParameters(
      plain,
      plain.map(({ name }) => args[name])
    )
  }
}

test('every signature has the topic0 that was computed elsewhere', () => {
  const expected = vectors<{ signature: string; topic0: Hex; indexed: string[]; abi: string }>('topic0')
  assert.ok(expected.length > 0)
  for (const { signature, topic0, indexed } of expected) {
    const found = signatures.find(known => known.signature === signature && known.topicCount === indexed.length + 1)
    assert.equal(found?.topic0, topic0, signature)
  }
})

test('signatures that share a topic0 differ in their number of topics', () => {
  const keys = signatures.map(({ topic0, topicCount }) => `${topic0}:${topicCount}`)
  assert.equal(new Set(keys).size, 10)
  assert.equal(topicsOf().length, 9)
  assert.equal(topicsOf('EscrowDeployed').length, 3)
})

for (const { id, log, expect } of vectors<
  Vector<{ event: string; signature: string; args: Record<string, string | number> }>
>('logs')) {
  test(`log ${id} decodes`, () => {
    const decoded = decodeLog(log)
    assert.ok(decoded.kind === 'event', decoded.kind)
    assert.equal(decoded.name, expect.event)
    assert.equal(decoded.event, expect.event === 'Approved' ? 'ApprovalGranted' : expect.event)
    assert.equal(decoded.signature, expect.signature)
    const args = Object.entries(decoded.args).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? String(value) : value
    ])
    assert.deepEqual(Object.fromEntries(args), expect.args)
  })
}

for (const { id, log, expect } of vectors<Vector<string>>('malformed')) {
  test(`log ${id} is ${expect}`, () => {
    // A removed log is well-formed: whoever reads the chain leaves it out by its flag, before decoding.
    assert.equal(expect === 'skip', log.removed)
    if (!log.removed) assert.equal(decodeLog(log).kind, expect)
  })
}

test('what is encoded decodes to the same arguments, in either case of hex', () => {
  fc.assert(
    fc.property(anyEvent, fc.boolean(), ({ signature, args }, upperCase) => {
      const log = encode(signature, args)
      const shown = (hex: Hex): Hex => (upperCase ? `0x${hex.slice(2).toUpperCase()}` : hex)
      const { event, name, signature: text } = signature
      assert.deepEqual(decodeLog({ topics: log.topics.map(shown), data: shown(log.data) }), {
        kind: 'event',
        event,
        name,
        signature: text,
        args: { ...args }
      })
    })
  )
})

test('a log with any part damaged is never an event, unless it is the exact encoding of another value', () => {
  const damage = fc.record({ at: fc.nat(), character: fc.constantFrom(...'0123456789abcdefxg'), drop: fc.boolean() })
  fc.assert(
    fc.property(anyEvent, damage, ({ signature, args }, { at, character, drop }) => {
      const whole = encode(signature, args)
      const parts = [...whole.topics, whole.data]
      const part = at % parts.length
      const position = at % (parts[part]?.length ?? 1)
      const damaged = parts.map((hex, index) =>
        index === part ? `${hex.slice(0, position)}${drop ? '' : character}${hex.slice(position + 1)}` : hex
      )
      // The damage is to break the form of hex.
      const log = { topics: damaged.slice(0, -1), data: damaged.at(-1) } as RawLog
      const decoded = decodeLog(log)
      if (decoded.kind !== 'event') return
      const again = encode(signature, { ...decoded.args })
      assert.deepEqual(log, again)
    })
  )
})
