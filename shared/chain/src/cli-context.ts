import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Address, isAddress, isHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createEscrowClient, type EscrowClient, type Sender } from './escrow-client.ts'

/** What the person typed can't be done; the message says what to type instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export type Flags = Readonly<Record<string, string | boolean | undefined>>

/** What a command works with: a chain, the addresses that it signs for, and what was typed. */
export type Context = {
  client: EscrowClient
  factory: Address | undefined
  accounts: readonly Address[]
  /** Who signs: the key in PRIVATE_KEY, else `--from`, else the usual one. */
  sender(usual: Address | undefined): Sender
}

type Stack = { rpc_url: string; chain_id: number; factory: Address; accounts: Address[] }

/** Takes the chain from `--rpc-url`, else from the local stack that runs in this directory. Throws UsageError. */
export async function openContext(
  flags: Flags,
  { env, cwd }: { env: NodeJS.ProcessEnv; cwd: string }
): Promise<Context> {
  const stack = flags['rpc-url'] === undefined ? readStack(cwd) : undefined
  const rpcUrl = textOf(flags, 'rpc-url') ?? stack?.rpc_url ?? ''
  if (!URL.canParse(rpcUrl)) throw new UsageError(`--rpc-url "${rpcUrl}" is not a URL`)
  const client = createEscrowClient({ rpcUrl, ...(stack && { chainId: stack.chain_id }) })
  const accounts = stack?.accounts ?? (await client.accounts())
  const factory = addressOf(flags, 'factory') ?? stack?.factory
  return { client, factory, accounts, sender: usual => chooseSender({ flags, accounts, key: env.PRIVATE_KEY, usual }) }
}

function readStack(cwd: string): Stack {
  const file = join(cwd, '.local/stack.json')
  try {
    // Written by `npm start` in this shape.
    return JSON.parse(readFileSync(file, 'utf8')) as Stack
  } catch (cause) {
    const advice = 'start the local stack with npm start, or give --rpc-url (and --factory)'
    throw new UsageError(`no readable ${file}: ${advice}`, { cause })
  }
}

type Choice = { flags: Flags; accounts: readonly Address[]; key: string | undefined; usual: Address | undefined }

function chooseSender({ flags, accounts, key, usual }: Choice): Sender {
  const asked = accountOf(flags, accounts) ?? (flags.as === undefined ? undefined : usual)
  if (key) {
    // The key's text never appears in a message.
    if (!isHex(key) || key.length !== 66) throw new UsageError('PRIVATE_KEY is not 0x and 64 hex digits')
    const account = privateKeyToAccount(key)
    if (!asked || asked.toLowerCase() === account.address.toLowerCase()) return account
    throw new UsageError(`PRIVATE_KEY belongs to ${account.address}, not to ${asked}: unset it, or ask for nobody else`)
  }
  const address = asked ?? usual
  if (!address) throw new UsageError('nobody to sign: give --from, or a key in the environment variable PRIVATE_KEY')
  return address
}

function accountOf(flags: Flags, accounts: readonly Address[]): Address | undefined {
  const text = textOf(flags, 'from')
  if (text === undefined || !/^[0-9]{1,4}$/.test(text)) return addressOf(flags, 'from')
  const account = accounts[Number(text)]
  if (!account) throw new UsageError(`--from ${text}: there are ${accounts.length} accounts, counted from 0`)
  return account
}

export function textOf(flags: Flags, name: string): string | undefined {
  const value = flags[name]
  return typeof value === 'string' ? value : undefined
}

export function addressOf(flags: Flags, name: string): Address | undefined {
  const text = textOf(flags, name)
  return text === undefined ? undefined : parseAddress(text, `--${name}`)
}

/** Lower or upper case, or mixed with a right checksum. */
export function parseAddress(text: string | undefined, what: string): Address {
  if (text === undefined) throw new UsageError(`${what} is missing`)
  const isOneCase = /^0x([0-9a-f]{40}|[0-9A-F]{40})$/.test(text)
  // The pattern above and isAddress both say that it is one.
  if (isOneCase || isAddress(text)) return text.toLowerCase() as Address
  throw new UsageError(
    `${what} "${text}" is not an address: 0x and 40 hex digits, mixed case only with a right checksum`
  )
}
