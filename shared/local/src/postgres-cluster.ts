import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Account, assertReachable, postgresBinaries } from './postgres-binaries.ts'
import { passwordOf } from './postgres-databases.ts'

const run = promisify(execFile)

export const ADMIN = 'postgres'

/** A data directory that is ready to be served, and what serves it. */
export type Cluster = { bin: string; data: string; secret: string; account: Account }

/**
 * Opens the cluster in `home` (`data/` and `secret`), made first if the folder is absent or empty. `scratch` is for
 * temporary files. Throws with what to do if the folder is something else, of another version or can't be entered.
 */
export async function openCluster(options: {
  home: string
  scratch: string
  account: Account
  durable: boolean
}): Promise<Cluster> {
  const { home, scratch, durable } = options
  await mkdir(home, { recursive: true })
  await assertReachable(home, options.account)
  const content = await readdir(home)
  const foreign = content.filter(name => !['data', 'data.new', 'secret'].includes(name))
  if (foreign.length > 0 || (content.includes('data') && !content.includes('secret'))) {
    throw new Error(
      `${home} is neither empty nor a data folder made here (it has ${foreign.join(', ')}); choose another one.`
    )
  }
  const data = join(home, 'data')
  const made = content.includes('data')
  const account = made ? await ownerOf(data, options.account) : options.account
  const { bin, major } = await postgresBinaries({ scratch, account })
  if (!made) await initialise({ home, scratch, account, bin, durable })
  const version = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  if (version !== major) {
    throw new Error(
      `${home} holds data of PostgreSQL ${version}, the binaries are ${major}: move it away or choose another folder.`
    )
  }
  return { bin, data, account, secret: await readFile(join(home, 'secret'), 'utf8') }
}

/** The server must run as the owner of its data. */
async function ownerOf(data: string, account: Account): Promise<Account> {
  const { uid, gid } = await stat(data)
  const own = process.getuid?.()
  if (own === 0 && uid !== 0) return { uid, gid }
  if (uid === own && own !== 0) return account
  throw new Error(
    `${data} belongs to user ${uid}, this process runs as ${own}: run as that user (never root) or choose another folder.`
  )
}

async function initialise(options: { home: string; scratch: string; account: Account; bin: string; durable: boolean }) {
  const { home, scratch, account, bin, durable } = options
  const secret = randomBytes(32).toString('hex')
  await writeFile(join(home, 'secret'), secret, { mode: 0o600 })
  // Renamed when complete: a start that was killed half-way begins again.
  const data = join(home, 'data.new')
  await rm(data, { recursive: true, force: true })
  const passwordFile = join(scratch, 'password')
  await mkdir(data, { mode: 0o700 })
  await writeFile(passwordFile, passwordOf(secret, ADMIN), { mode: 0o600 })
  await Promise.all([give(data, account), give(passwordFile, account)])
  const settings = [
    '--locale=C',
    '--encoding=UTF8',
    '--auth=scram-sha-256',
    `--username=${ADMIN}`,
    `--pwfile=${passwordFile}`
  ]
  const speed = ['--no-instructions', ...(durable ? [] : ['--no-sync'])]
  await run(join(bin, 'initdb'), ['-D', data, ...settings, ...speed], { ...account, cwd: '/', env: { LC_ALL: 'C' } })
  await rm(passwordFile)
  await rename(data, join(home, 'data'))
}

async function give(path: string, { uid, gid }: Account): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
}
