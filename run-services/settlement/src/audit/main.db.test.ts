import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createSql, migrate, type Pool } from '@fusion-prime/postgres'
import { type TestDatabase, testDatabase } from '../../../../shared/local/src/test-database.ts'
import { migrations } from '../app.ts'

let database: TestDatabase
let sql: Pool
before(async () => {
  database = await testDatabase()
  sql = createSql({ url: database.url, max: 2, applicationName: 'test' })
  await migrate(sql, { folders: migrations })
})
after(async () => {
  await sql?.end()
  await database?.close()
})

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

type Ended = { code: number | null; stdout: string; stderr: string }

function audit(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const { DATABASE_URL: _, ...inherited } = process.env
  const child = execFile(process.execPath, [MAIN, ...args], { env: { ...inherited, ...env } }, (_, stdout, stderr) =>
    resolve({ code: child.exitCode, stdout, stderr })
  )
  return promise
}

test('a ledger with nothing wrong: a table, exit code 0', async () => {
  const { code, stdout, stderr } = await audit(['ledger'], { DATABASE_URL: database.url })
  assert.equal(code, 0, stderr)
  assert.match(
    stdout,
    /^asset_symbol +transfers +standing[\s\S]*0 escrows checked against their facts: nothing is wrong\n$/
  )
})

test('a transfer of no fact: each fault by name, exit code 1', async () => {
  await sql`
    insert into ledger_transfers (transfer_id, fact_id, kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount)
    values (gen_random_uuid(), gen_random_uuid(), 'pending', 1, '0xe', 'payer:1:0xa', 'escrow:1:0xe', 'ETH', 7)`
  const url = `--database-url=${database.url}`
  const { code, stdout, stderr } = await audit(['ledger', url])
  assert.equal(code, 1, stderr)
  assert.match(stdout, /^fact_unknown {2}escrow 1:0xe {2}transfer \S+ {2}the escrow has no fact/m)
  assert.match(stdout, /1 escrows checked against their facts: 4 faults\n$/)
  const told = (await audit(['ledger', '--json', url])).stdout
  const lines = told
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  assert.deepEqual(
    lines.map(line => line.fault ?? line.faults),
    ['transfer_id_wrong', 'fact_unknown', 'transfer_unexpected', 'balance_wrong', 4]
  )
  assert.deepEqual(lines.at(-1).assets, [
    { asset_symbol: 'ETH', transfers: 1, standing: 1, moved: '7', payers: '-7', escrows: '7', payees: '0', sum: '0' }
  ])
})

test('a database that can’t be read: exit code 75; options that aren’t any: 1', async () => {
  const away = await audit(['ledger'], { DATABASE_URL: 'postgres://nobody:none@127.0.0.1:1/none' })
  assert.equal(away.code, 75)
  assert.match(away.stderr, /the ledger could not be read/)
  assert.equal((await audit(['everything'])).code, 1)
})
