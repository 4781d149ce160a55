import { execFile } from 'node:child_process'
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

export type Reconciled = { code: number; result: string; facts: number; found: Found[]; lines: object[] }

/** Runs the job as an operator does, over the stack. */
export async function reconcileStack(
  { file }: Stack,
  { args = [], settings }: { args?: readonly string[]; settings?: Record<string, string> } = {}
): Promise<Reconciled> {
  const env = {
    PATH: process.env.PATH,
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
  const { code, stdout, stderr } = await run([MAIN, '--mode=reconcile', '--json', ...args], env)
  const lines = stdout.split('\n').filter(Boolean)
  const parsed = lines.map(line => JSON.parse(line))
  const end = parsed.at(-1)
  if (end?.result === undefined && code !== 75) throw new Error(`exit code ${code}, no result:\n${stdout}\n${stderr}`)
  return {
    code,
    result: end.result,
    facts: end.facts,
    found: parsed.flatMap(({ finding }) => finding ?? []),
    lines: parsed
  }
}

type Exited = { code: number; stdout: string; stderr: string }

const run = (args: string[], env: NodeJS.ProcessEnv): Promise<Exited> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error?.code ?? 0
      if (typeof code === 'number') resolve({ code, stdout, stderr })
      else reject(error)
    })
  })
