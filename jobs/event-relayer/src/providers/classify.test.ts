import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { classify } from './classify.ts'
import type { SuggestedRange } from './fault.ts'

type Case = {
  id: string
  http_status: number
  headers?: Record<string, string>
  request?: { fromBlock: string; toBlock: string }
  body: string
  expect: string
  also_ok?: string[]
  suggested_range?: { fromBlock: string; toBlock: string } | { max_blocks: number }
  retry_after_s?: number
  shrink?: string
}

const cases: Case[] = JSON.parse(readFileSync(join(import.meta.dirname, 'test-vectors/rpc-errors.json'), 'utf8'))
const NOW = Date.parse('2026-11-21T09:00:00Z')

for (const vector of cases) {
  test(`${vector.id}: ${vector.expect}`, () => {
    const { request, headers = {}, http_status: status, body, expect, also_ok = [] } = vector
    const asked = request && { from: Number(request.fromBlock), to: Number(request.toBlock) }
    const advice = classify({ status, headers, body }, { asked, now: NOW })
    assert.ok([expect, ...also_ok].includes(advice.kind), `${advice.kind} is not ${[expect, ...also_ok].join(' or ')}`)
    assert.deepEqual(advice.kind === 'split' ? advice.suggested : undefined, suggestion(vector.suggested_range))
    assert.equal(advice.kind === 'split' ? advice.shrink : undefined, vector.shrink)
    const wait = vector.retry_after_s === undefined ? undefined : vector.retry_after_s * 1000
    assert.equal(advice.kind === 'rate_limited' ? advice.retry_after_ms : undefined, wait)
  })
}

function suggestion(range: Case['suggested_range']): SuggestedRange | undefined {
  return range && 'fromBlock' in range ? { from: Number(range.fromBlock), to: Number(range.toBlock) } : range
}

const error = (message: string, code = -32000) => JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code, message } })

/** Wordings that no vector has: the groups of meaning must carry them. */
for (const [message, kind, max_blocks] of [
  ['requested range spans 5000 blocks, but the limit is 800', 'split', 800],
  ['you may only query ranges of at most 1,000 blocks', 'split', 1000],
  ['Block range limit exceeded. See plans', 'split', undefined],
  ['logs matched by query exceeds limit of 10000 results', 'split', undefined],
  ['eth_getLogs block range too large, range: 4001, max: 3000', 'split', 3000],
  ['execution timed out', 'split', undefined],
  ['too many requests, slow down', 'rate_limited', undefined],
  ['You reached the free tier limit of 30 requests per second', 'rate_limited', undefined],
  ['history has been pruned for this block', 'give_up', undefined],
  ['block is beyond the head', 'retry', undefined],
  ['internal error', 'retry', undefined]
] as const) {
  test(`"${message}": ${kind}`, () => {
    const advice = classify({ status: 200, body: error(message) }, { asked: { from: 1, to: 5000 }, now: NOW })
    const suggested = max_blocks === undefined ? {} : { suggested: { max_blocks } }
    assert.deepEqual(advice, { kind, ...suggested })
  })
}

for (const [what, message] of [
  ['inverted', 'Try with this block range [0x64, 0x0].'],
  ['outside', 'Try with this block range [0x0, 0x5].'],
  ['no smaller', 'Try with this block range [0x64, 0xc8].'],
  ['no smaller', 'block range too large, maximum is 101 blocks'],
  ['zero', 'block range too large, maximum is 0 blocks']
] as const) {
  test(`a suggestion that is ${what} is ignored: "${message}"`, () => {
    const advice = classify({ status: 200, body: error(message, -32005) }, { asked: { from: 100, to: 200 }, now: NOW })
    assert.deepEqual(advice, { kind: 'split' })
  })
}

for (const [header, wait] of [
  ['7', 7000],
  ['0', undefined],
  ['86401', 86_400_000],
  ['99999999999999999999', 86_400_000],
  ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400_000],
  ['Sat, 21 Nov 2026 09:00:12 GMT', 12_000],
  ['Sat, 21 Nov 2026 08:00:00 GMT', undefined],
  ['soon', undefined]
] as const) {
  test(`Retry-After ${header}`, () => {
    const advice = classify({ status: 429, headers: { 'retry-after': header }, body: '' }, { now: NOW })
    assert.deepEqual(advice, { kind: 'rate_limited', ...(wait === undefined ? {} : { retry_after_ms: wait }) })
  })
}

test('of a message of megabytes the beginning is read, so that it keeps nobody busy', () => {
  const body = error('over '.repeat(400_000), -32000)
  assert.deepEqual(classify({ status: 200, body }, { now: NOW }), { kind: 'retry' })
  const said = error(`no${' '.repeat(2_000)}rate limit`, -32000)
  assert.deepEqual(classify({ status: 200, body: said }, { now: NOW }), { kind: 'retry' })
})

test('a busy 503 with Retry-After is a limit, one without is not', () => {
  const busy = { status: 503, body: 'busy' }
  assert.equal(classify({ ...busy, headers: { 'retry-after': '3' } }, { now: NOW }).kind, 'rate_limited')
  assert.equal(classify(busy, { now: NOW }).kind, 'retry')
})
