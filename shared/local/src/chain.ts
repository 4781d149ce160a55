import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import type { Address } from '@fusion-prime/chain'

const CHAIN_ID = 31337
const START_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 5_000
/** Enough of the node's last words to tell why it didn't come up. */
const KEPT_LINES = 20

export type ChainOptions = {
  /** 0, the default, is any free port. */
  port?: number
  /** Read at the start if it exists, written (in place) every second and at the end. Without it the chain lives in memory. */
  stateFile?: string
  /** Number of unlocked accounts, each with 10,000 ETH; 10 by default. */
  accounts?: number
  /** Seconds between blocks (1 by default), a block `per-transaction`, or `manual`: only when `evm_mine` is called. */
  blockTime?: number | 'per-transaction' | 'manual'
}

export type LocalChain = {
  rpcUrl: string
  chainId: number
  /** Unlocked: the node signs for them. Lower-case hex. */
  accounts: Address[]
  pid: number
  /** Ends the node and waits until it's gone; safe to call twice. */
  stop(): Promise<void>
}

/**
 * Starts a real EVM chain in which a block is safe after 4 blocks and finalized after 8. Resolves when RPC answers;
 * rejects with the node's last words if it doesn't within 20 s.
 */
export async function startChain(options: ChainOptions = {}): Promise<LocalChain> {
  // A group of its own: Ctrl-C ends the caller, which then stops the chain after those who use it.
  const node = spawn(anvilBinary(), chainArguments(options), { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise<void>(resolve => node.once('close', () => resolve()).once('error', () => resolve()))
  const watchdog = killWhenParentDies(node)
  const stop = () => stopChild(node, exited)
  void exited.then(() => watchdog?.kill('SIGKILL'))
  try {
    const rpcUrl = `http://127.0.0.1:${await listeningPort(node)}`
    // anvil answers lower-case hex.
    const accounts = (await call(rpcUrl, 'eth_accounts')) as Address[]
    return { rpcUrl, chainId: CHAIN_ID, accounts, pid: node.pid ?? 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function chainArguments({ port = 0, stateFile, accounts = 10, blockTime = 1 }: ChainOptions): string[] {
  const mining = { 'per-transaction': [], manual: ['--no-mining'] }
  return [
    ...['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(CHAIN_ID), '--accounts', String(accounts)],
    ...['--slots-in-an-epoch', '4'],
    ...(typeof blockTime === 'number' ? ['--block-time', String(blockTime)] : mining[blockTime]),
    ...(stateFile ? ['--state', stateFile, '--state-interval', '1'] : [])
  ]
}

/** The binary itself, not npm's script around it: killing that would leave the node running. */
function anvilBinary(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const platformPackage = `@foundry-rs/anvil-${process.platform}-${architecture}`
  const suffix = process.platform === 'win32' ? '.exe' : ''
  try {
    const launcher = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json')
    return createRequire(launcher).resolve(`${platformPackage}/bin/anvil${suffix}`)
  } catch (cause) {
    throw new Error(`no ${platformPackage} is installed: run npm ci with optional dependencies`, { cause })
  }
}

/** Ends the node even if this process is killed with -9: the shell waits on a pipe that closes with us. Not on Windows. */
function killWhenParentDies(node: ChildProcess): ChildProcess | undefined {
  if (process.platform === 'win32' || node.pid === undefined) return undefined
  const script = 'read -r _; kill -TERM "$1"'
  const watchdog = spawn('sh', ['-c', script, 'sh', String(node.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore']
  })
  watchdog.on('error', () => {})
  watchdog.unref()
  return watchdog
}

/** Resolves with the port that the node says it listens on. Goes on reading its output, which would block it otherwise. */
function listeningPort(node: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const lines: string[] = []
  const fail = (why: string) =>
    reject(new Error(`anvil ${why}; its last lines:\n${lines.slice(-KEPT_LINES).join('\n')}`))
  const read = (chunk: Buffer) => {
    lines.push(...chunk.toString().split('\n').filter(Boolean))
    lines.splice(0, lines.length - KEPT_LINES)
    const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(lines.join('\n'))?.[1]
    if (port) resolve(port)
  }
  node.stdout?.on('data', read)
  node.stderr?.on('data', read)
  node.once('error', error => fail(`could not be started (${error.message})`))
  node.once('close', code => fail(`ended with code ${code}`))
  const timer = setTimeout(() => fail(`did not listen within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS)
  return promise.finally(() => clearTimeout(timer))
}

async function stopChild(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}

async function call(rpcUrl: string, method: string): Promise<unknown> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] })
  })
  // JSON-RPC's answer; the node is our own.
  const { result } = (await response.json()) as { result: unknown }
  return result
}
