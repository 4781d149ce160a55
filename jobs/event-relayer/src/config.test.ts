import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '@fusion-prime/runtime'
import { levelOf } from './chain.ts'
import { parseFinality, RelayerConfig } from './config.ts'

const env = {
  CHAIN_ID: '31337',
  RPC_URLS: 'http://127.0.0.1:8545',
  ESCROW_FACTORIES: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  DATABASE_URL: 'postgres://relayer:secret@127.0.0.1/relayer_db',
  GOOGLE_CLOUD_PROJECT: 'p'
}

test('settings have the documented defaults', () => {
  const config = readConfig(RelayerConfig, env)
  assert.equal(config.POLL_INTERVAL_SECONDS, 45)
  assert.equal(config.MAX_ADDRESSES, 500)
  assert.equal(config.START_BLOCK, undefined)
  assert.deepEqual(parseFinality(config.FINALITY), { by: 'tags' })
})

test('all faults are told at once, by name and without values', () => {
  const broken = {
    ...env,
    CHAIN_ID: 'mainnet',
    RPC_URLS: 'ws://node:secret@host',
    ESCROW_FACTORIES: '0x12',
    DATABASE_URL: undefined
  }
  assert.throws(
    () => readConfig(RelayerConfig, broken),
    (error: Error) => {
      for (const name of ['CHAIN_ID', 'RPC_URLS', 'ESCROW_FACTORIES', 'DATABASE_URL'])
        assert.match(error.message, new RegExp(name))
      assert.doesNotMatch(error.message, /secret|mainnet|0x12/)
      return true
    }
  )
})

test('finality by depth', () => {
  assert.deepEqual(parseFinality('depth:5,64'), { by: 'depth', safe: 5, finalized: 64 })
  assert.throws(() => parseFinality('depth:64,5'), /may not be less/)
})

test('a block has the level of the highest tag that it is not above', () => {
  const heads = { safe: { number: 8, hash: '0x8' }, finalized: { number: 4, hash: '0x4' } }
  assert.deepEqual(
    [4, 5, 8, 9].map(number => levelOf(number, heads)),
    ['finalized', 'safe', 'safe', 'seen']
  )
  assert.equal(levelOf(0, { safe: undefined, finalized: undefined }), 'seen')
})
