import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PermanentError, readConfig } from '@fusion-prime/runtime'
import { levels } from './chain.ts'
import { type OmissionCheck, parseFinality, RelayerConfig, requireCheck } from './config.ts'

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
  assert.equal(config.OMISSION_CHECK, 'receipts')
  assert.equal(config.REORG_WINDOW, 128)
  assert.equal(config.START_BLOCK, undefined)
  assert.deepEqual(parseFinality(config.FINALITY), { by: 'tags' })
})

test('all faults are told at once, by name and without values', () => {
  const broken = {
    ...env,
    CHAIN_ID: 'mainnet',
    ESCROW_FACTORIES: '0x12',
    DATABASE_URL: undefined,
    FINALITY: 'depth:deep',
    OMISSION_CHECK: 'sometimes'
  }
  assert.throws(
    () => readConfig(RelayerConfig, broken),
    (error: Error) => {
      for (const name of ['CHAIN_ID', 'ESCROW_FACTORIES', 'DATABASE_URL', 'FINALITY', 'OMISSION_CHECK'])
        assert.match(error.message, new RegExp(name))
      assert.doesNotMatch(error.message, /secret|mainnet|0x12|sometimes/)
      return true
    }
  )
})

test('finality by depth', () => {
  assert.deepEqual(parseFinality('depth:5,64'), { by: 'depth', safe: 5, finalized: 64 })
  assert.throws(() => parseFinality('depth:64,5'), /FINALITY=depth:64,5: the final depth may not be less/)
})

test('levels go from the highest down; a young chain has neither a safe nor a finalized block', () => {
  const latest = { number: 9, hash: '0x9', parent_hash: '', timestamp: 0, logs_bloom: '', receipts_root: '' }
  const heads = { latest, safe: { number: 8, hash: '0x8' }, finalized: { number: 4, hash: '0x4' } }
  assert.deepEqual(levels(heads), [
    { level: 'finalized', upTo: 4 },
    { level: 'safe', upTo: 8 },
    { level: 'seen', upTo: 9 }
  ])
  assert.deepEqual(
    levels({ latest, safe: undefined, finalized: undefined }).map(({ upTo }) => upTo),
    [-1, -1, 9]
  )
})

describe('the omission check that is in force', () => {
  const cases: [check: OmissionCheck, canProve: boolean, providers: number, chosen: OmissionCheck | RegExp][] = [
    ['receipts', true, 1, 'receipts'],
    ['receipts', true, 3, 'receipts'],
    ['receipts', false, 2, 'second-provider'],
    ['receipts', false, 1, /OMISSION_CHECK=receipts: receipts of this chain can’t be proven.*RPC_URLS has 1/],
    ['second-provider', true, 2, 'second-provider'],
    ['second-provider', true, 1, /OMISSION_CHECK=second-provider: comparing needs two providers/],
    ['off', false, 1, 'off']
  ]
  for (const [check, canProve, providers, chosen] of cases) {
    test(`${check} on a chain that ${canProve ? 'can' : 'can’t'} be proven, with ${providers}`, () => {
      const require = () => requireCheck({ check, canProve, providers, setting: 'OMISSION_CHECK' })
      if (typeof chosen === 'string') assert.equal(require(), chosen)
      else assert.throws(require, (error: Error) => error instanceof PermanentError && chosen.test(error.message))
    })
  }
})
