import { type ExecFileOptions, execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Stack } from '../shared/local/src/stack.ts'

const MAIN = fileURLToPath(new URL('../jobs/event-relayer/src/main.ts', import.meta.url))

export type Found = {
  service: string | null
  kind: string
  what: string
  fact_id: string | null
  escrow_address: string | null
  detail: string
  outcome: 'repaired' | 'wrong'
}

/** `result` and `facts` are undefined where something couldn’t be read. */
export type Reconciled = { code: number; result?: string; facts?: number; found: Found[] }

/** Runs the job as an operator does, over the stack. */
export async function reconcileStack(
  { file }: Stack,
  { args = [], settings }: { args?: readonly string[]; settings?: Record<string, string> } = {}
): Promise<Reconciled> {
  const env = {
    CHAIN_ID: String(file.chain_id),
    RPC_URLS: file.rpc_url,
    ESCROW_FACTORIES: file.factory,
    DATABASE_URL: file.databases.relayer_db,
    GOOGLE_CLOUD_PROJECT: file.pubsub.project,
    PUBSUB_EMULATOR_HOST: file.pubsub.emulator_host,
    METADATA_SERVER_DETECTION: 'none',
    SETTLEMENT_URL: file.services.settlement,
    RISK_ENGINE_URL: file.services['risk-engine'],
    COMPLIANCE_URL: file.services.compliance,
    SERVICE_AUTH_MODE: 'none',
    ...settings
  }
  return run({ args, env })
}

/** The same beside `npm start`, whose folder has .local/stack.json, with nothing set. */
export const reconcileBeside = (cwd: string): Promise<Reconciled> => run({ args: [], env: {}, cwd })

type Command = { args: readonly string[]; env: Record<string, string | undefined>; cwd?: string }

async function run({ args, env, cwd }: Command): Promise<Reconciled> {
  const options = { env: { PATH: process.env.PATH, ...env }, cwd, maxBuffer: 2 ** 26 }
  const { code, stdout, stderr } = await execute([MAIN, '--mode=reconcile', '--json', ...args], options)
  const lines = stdout.split('\n').filter(Boolean)
  const parsed = lines.map(line => JSON.parse(line))
  const end = parsed.at(-1)
  if (end?.result === undefined && code !== 75) throw new Error(`exit code ${code}, no result:\n${stdout}\n${stderr}`)
  const found = parsed.flatMap(({ finding }) => finding ?? [])
  return { code, result: end?.result, facts: end?.facts, found }
}

type Exited = { code: number; stdout: string; stderr: string }

const execute = (args: string[], options: ExecFileOptions): Promise<Exited> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const code = error?.code ?? 0
      if (typeof code === 'number') resolve({ code, stdout: String(stdout), stderr: String(stderr) })
      else reject(error)
    })
  })
