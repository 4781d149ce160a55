import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { PermanentError } from '@fusion-prime/runtime'

/** Where other programs find a running stack: its addresses, as SPEC names them. */
export const STACK_FILE = '.local/stack.json'

export type StackFile = {
  pid: number
  rpc_url: string
  chain_id: number
  factory: string
  accounts: string[]
  pubsub: { emulator_host: string; project: string }
  databases: Record<string, string>
  services: Record<string, string>
  functions: Record<string, string>
  relayer: string
  push: Record<string, { audience: string; email: string }>
  issuer: { url: string; jwks_url: string; token_url: string }
}

/** Throws when another stack that still runs has written the file. */
export function assertNoOtherStack(path: string): void {
  const pid = pidIn(path)
  if (pid !== undefined && isAlive(pid) && mayBeStack(pid)) {
    throw new PermanentError(
      `a stack runs already (process ${pid}, ${path}): stop it first, or give another --stack-file`
    )
  }
}

export function writeStackFile(path: string, stack: StackFile): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 })
}

export const removeStackFile = (path: string): void => rmSync(path, { force: true })

function pidIn(path: string): number | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as Partial<StackFile> // any text is tried; what isn't a pid is none
    return typeof pid === 'number' ? pid : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return pid !== process.pid
  } catch {
    return false
  }
}

/** After a kill -9 or a restart of the machine the process id may be some other program's. True where there's no telling. */
function mayBeStack(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.ts')
  } catch {
    return true
  }
}
