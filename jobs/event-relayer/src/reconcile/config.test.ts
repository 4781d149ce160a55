import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readConfig } from '@fusion-prime/runtime'
import { ReconcileConfig, withLocalStack } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'reconcile-config-'))
after(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'stack.json')
writeFileSync(
  path,
  JSON.stringify({
    rpc_url: 'http://127.0.0.1:1',
    chain_id: 31337,
    factory: `0x${'fa'.repeat(20)}`,
    pubsub: { emulator_host: '127.0.0.1:2', project: 'local' },
    databases: { relayer_db: 'postgres://127.0.0.1:3/relayer_db' },
    services: {
      settlement: 'http://127.0.0.1:4',
      'risk-engine': 'http://127.0.0.1:5',
      compliance: 'http://127.0.0.1:6'
    }
  })
)

test('where nothing is set it is the local stack that is meant', () => {
  // A developer's shell often has a project of its own; others may set nothing by setting it empty.
  const env = withLocalStack({ PATH: '/bin', GOOGLE_CLOUD_PROJECT: 'production', CHAIN_ID: '' }, path)
  assert.deepEqual([env.PUBSUB_EMULATOR_HOST, env.GOOGLE_CLOUD_PROJECT, env.PATH], ['127.0.0.1:2', 'local', '/bin'])
  const config = readConfig(ReconcileConfig, env)
  assert.equal(config.CHAIN_ID, 31337)
  assert.equal(config.RISK_ENGINE_URL, 'http://127.0.0.1:5')
  assert.equal(config.SERVICE_AUTH_MODE, 'none')
  assert.equal(config.CALL_ATTEMPTS, 3)
})

test('what is set is meant, and nothing is mixed with it', () => {
  for (const env of [{ CHAIN_ID: '1' }, { COMPLIANCE_URL: 'https://compliance.example' }])
    assert.deepEqual(withLocalStack(env, path), env)
  assert.deepEqual(withLocalStack({}, join(folder, 'none.json')), {})
  assert.throws(() => readConfig(ReconcileConfig, {}), /SETTLEMENT_URL is missing.*SERVICE_AUTH_MODE is missing/)
})
