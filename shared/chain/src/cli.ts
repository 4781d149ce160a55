import { parseArgs } from 'node:util'
import { BaseError, HttpRequestError } from 'viem'
import { type Command, commands, type Result } from './cli-commands.ts'
import { openContext, UsageError } from './cli-context.ts'

const commonFlags = {
  from: 'who signs: an address that the node holds, or the index of an account',
  'rpc-url': 'node to use instead of the local stack in this directory',
  json: 'print one JSON object',
  help: 'print this'
}
const switches = new Set(['json', 'help'])

type World = { env: NodeJS.ProcessEnv; cwd: string; print(line: string): void; complain(line: string): void }

/** Runs one command line; resolves to the exit code. */
export async function runCli(args: readonly string[], world: World): Promise<0 | 1> {
  try {
    world.print(await answer(args, world))
    return 0
  } catch (error) {
    world.complain(`escrow: ${describe(error)}`)
    return 1
  }
}

async function answer([name = '', ...rest]: readonly string[], world: World): Promise<string> {
  if (['', '--help', '-h', 'help'].includes(name)) return overview()
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) throw new UsageError(`unknown command "${name}": use ${Object.keys(commands).join(', ')}, or --help`)
  const { values, positionals } = parse(command, rest)
  if (values.help) return helpOf(name, command)
  const context = await openContext(values, world)
  const result = await command.run(context, { flags: values, positionals })
  return values.json ? JSON.stringify(result) : table(result)
}

function parse(command: Command, args: string[]) {
  const names = Object.keys({ ...command.flags, ...commonFlags })
  const options = names.map(name => [name, { type: switches.has(name) ? 'boolean' : 'string' }] as const)
  const parsed = parseArgs({ args, options: Object.fromEntries(options), allowPositionals: true })
  const excess = parsed.positionals[command.positionals.length]
  if (excess !== undefined) throw new UsageError(`one argument too many: "${excess}"`)
  return parsed
}

function overview(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`)
  return [
    'escrow COMMAND: act on an escrow of the local stack, or of any chain with --rpc-url',
    '',
    ...lines,
    '',
    'Signs with the key in the environment variable PRIVATE_KEY if it is set, else the node must hold the account.',
    'escrow COMMAND --help tells the options of a command.'
  ].join('\n')
}

function helpOf(name: string, { summary, positionals, flags }: Command): string {
  const lines = Object.entries({ ...flags, ...commonFlags }).map(([name, text]) => `  --${name.padEnd(14)} ${text}`)
  return [`${['escrow', name, ...positionals].join(' ')} [options]: ${summary}`, '', ...lines].join('\n')
}

const table = (result: Result): string =>
  Object.entries(result)
    .map(([name, value]) => `${name.padEnd(17)} ${value}`)
    .join('\n')

function describe(error: unknown): string {
  const unanswered = error instanceof BaseError ? error.walk(cause => cause instanceof HttpRequestError) : null
  if (unanswered instanceof HttpRequestError) return `no answer from ${unanswered.url} (${unanswered.details})`
  if (error instanceof BaseError) return [error.shortMessage, error.details].filter(Boolean).join(' ')
  return error instanceof Error ? error.message : String(error)
}

if (import.meta.main) {
  process.exitCode = await runCli(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    print: line => process.stdout.write(`${line}\n`),
    complain: line => process.stderr.write(`${line}\n`)
  })
}
