import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Header, Heads } from './chain.ts'
import { agreedHeads, answered } from './finality.ts'
import { WrongAnswer } from './providers/pool.ts'
import { RpcFault } from './providers/rpc.ts'
import { modelChain, modelProvider } from './read/model-fixture.ts'
import type { Reader } from './read/reader.ts'

const header = (number: number, branch = 'a'): Header => {
  return { number, hash: `${branch}${number}`, parent_hash: '', timestamp: 0, logs_bloom: '', receipts_root: '' }
}

/** A reader whose blocks are of one branch, from a block on of another. */
function reader(
  id: string,
  [latest, safe, finalized]: readonly [number, number, number?],
  forkAt = Number.POSITIVE_INFINITY
): Reader {
  const at = (number: number) => header(number, number >= forkAt ? 'b' : 'a')
  const heads: Heads = {
    latest: at(latest),
    safe: at(safe),
    finalized: finalized === undefined ? undefined : at(finalized)
  }
  return {
    ...modelProvider({ chain: modelChain([[]]), id }).reader,
    heads: async () => heads,
    header: async number => at(number)
  }
}
const silent = (fault: Error): Reader => ({
  ...reader('9:silent', [0, 0]),
  heads: () => Promise.reject(fault),
  header: () => Promise.reject(fault)
})
const tags = { by: 'tags' } as const
const agreed = (own: Reader, ...others: Reader[]) => agreedHeads({ reader: own, others }, tags)

test('one provider’s word counts where there is no other', async () => {
  const heads = await agreed(reader('1:a', [20, 16, 12]))
  assert.deepEqual([heads.finalized, heads.safe?.number, heads.disagrees], [header(12), 16, undefined])
})

test('two that agree: the lower finalized block counts, whoever has it', async () => {
  assert.deepEqual((await agreed(reader('1:a', [20, 16, 12]), reader('2:b', [21, 17, 10]))).finalized, header(10))
  assert.deepEqual((await agreed(reader('1:a', [20, 16, 10]), reader('2:b', [21, 17, 12]))).finalized, header(10))
})

test('while finalized hashes differ nothing becomes final, and both hashes are told', async () => {
  const heads = await agreed(reader('1:a', [20, 16, 12]), reader('2:b', [20, 16, 12], 11))
  assert.equal(heads.finalized, undefined)
  assert.deepEqual(heads.disagrees, { provider: '2:b', number: 12, hash: 'a12', theirs: 'b12' })
  assert.equal(heads.latest.number, 20, 'the head is followed all the same')
})

test('one that fails, has no finalized block or is far behind says nothing', async () => {
  const own = reader('1:a', [200, 190, 180])
  const others = [
    silent(new RpcFault('away', { kind: 'retry' })),
    silent(new WrongAnswer('wrong', 'wrong_hash')),
    reader('3:young', [200, 190]),
    reader('4:stale', [100, 90, 80], 0)
  ]
  for (const other of others) assert.deepEqual((await agreed(own, other)).finalized, header(180))
})

test('of many others two are asked', async () => {
  const asked: string[] = []
  const counting = (id: string): Reader => {
    const inner = reader(id, [20, 16, 12])
    const heads: Reader['heads'] = finality => {
      asked.push(id)
      return inner.heads(finality)
    }
    return { ...inner, heads }
  }
  await agreed(reader('1:a', [20, 16, 12]), counting('2:b'), counting('3:c'), counting('4:d'))
  assert.deepEqual(asked, ['2:b', '3:c'])
})

test('only a provider’s fault is no answer; others pass through', async () => {
  assert.equal(await answered(Promise.reject(new RpcFault('away', { kind: 'retry' }))), undefined)
  assert.equal(await answered(Promise.resolve(7)), 7)
  await assert.rejects(answered(Promise.reject(new TypeError('a mistake'))), TypeError)
})
