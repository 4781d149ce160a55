import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decimalsOf } from './assets.ts'
import { chains, findChain, requireChain } from './chains.ts'

test('the chains of the contract are there, each with an asset that has decimals', () => {
  for (const id of [1, 11155111, 8453, 31337]) assert.equal(requireChain(id).id, id)
  for (const chain of chains) assert.equal(typeof decimalsOf(chain.nativeAsset), 'number')
})

test('a chain that is not there is undefined, or an error that tells which are', () => {
  assert.equal(findChain(5), undefined)
  assert.throws(() => requireChain(5), /chain 5 is not in the registry: use one of 1 \(Ethereum\)/)
})
