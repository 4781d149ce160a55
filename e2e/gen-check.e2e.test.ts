import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const PARTS = ['package.json', 'shared', 'jobs', 'run-services', 'functions']

let copy = ''
before(async () => {
  copy = await mkdtemp(join(tmpdir(), 'fusion-prime-copy-'))
  const filter = (path: string) => !path.includes('node_modules')
  for (const part of PARTS) await cp(join(ROOT, part), join(copy, part), { recursive: true, filter })
  await linkModules()
})
after(() => rm(copy, { recursive: true, force: true }))

/** The copy's own workspaces, everything else from the original. */
async function linkModules(): Promise<void> {
  const from = join(ROOT, 'node_modules')
  const to = join(copy, 'node_modules')
  await mkdir(join(to, '@fusion-prime'), { recursive: true })
  for (const name of await readdir(from)) if (name !== '@fusion-prime') await symlink(join(from, name), join(to, name))
  for (const name of await readdir(join(from, '@fusion-prime'))) {
    await symlink(await readlink(join(from, '@fusion-prime', name)), join(to, '@fusion-prime', name))
  }
}

function genCheck(): Promise<{ code: number; output: string }> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      ['shared/local/src/generate.ts', '--check'],
      { cwd: copy },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: `${stdout}${stderr}` })
    )
  })
}

const changes = [
  {
    what: 'an entry of the catalogue',
    file: 'shared/events/src/define.ts',
    from: 'maxDeliveryAttempts: 100',
    to: 'maxDeliveryAttempts: 99',
    named: 'shared/events/catalog.json'
  },
  {
    what: 'a contract',
    file: 'shared/chain/contracts/Escrow.sol',
    from: 'error NotPayer(address caller);',
    to: 'error NotPayer(address caller);\n    error AnotherOne();',
    named: 'shared/chain/src/abi/escrow.ts'
  },
  {
    what: 'a route',
    file: 'run-services/settlement/src/escrow/routes.ts',
    from: "'/escrows/:address'",
    to: "'/escrow/:address'",
    named: 'run-services/settlement/openapi.json'
  },
  {
    what: 'a migration',
    file: 'run-services/settlement/migrations/0001_escrows.sql',
    from: 'create index escrows_by_payee',
    to: 'create index escrows_by_receiver',
    named: 'run-services/settlement/schema.sql'
  }
]

test('what is committed is what its sources give', async () => {
  const { code, output } = await genCheck()
  assert.equal(code, 0, output)
})

test('each file that goes stale with a change is named', async () => {
  for (const { what, file, from, to } of changes) {
    const path = join(copy, file)
    const original = await readFile(path, 'utf8')
    assert.ok(original.includes(from), `${file} no longer has "${from}", ${what}: change this test with it`)
    await writeFile(path, original.replace(from, to))
  }
  const { code, output } = await genCheck()
  assert.equal(code, 1, output)
  for (const { named } of changes) assert.ok(output.includes(`${named} is not what its source gives`), output)
})
