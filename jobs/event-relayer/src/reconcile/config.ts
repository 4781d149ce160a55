import { readFileSync } from 'node:fs'
import { callSettings } from '@fusion-prime/http'
import { defineConfig } from '@fusion-prime/runtime'
import { type Static, Type } from 'typebox'
import { RelayerConfig } from '../config.ts'

const url = (service: string) => Type.String({ pattern: '^https?://', description: `root URL of ${service}` })

export const ReconcileConfig = defineConfig({
  ...RelayerConfig.properties,
  SETTLEMENT_URL: url('settlement'),
  RISK_ENGINE_URL: url('the risk engine'),
  COMPLIANCE_URL: url('compliance'),
  SERVICE_AUTH_MODE: Type.Union([Type.Literal('iam'), Type.Literal('oidc'), Type.Literal('none')], {
    description: '"iam" or "oidc": services are called with ID tokens; "none": without'
  }),
  REPAIR_WAIT_SECONDS: Type.Integer({
    default: 60,
    minimum: 1,
    maximum: 3_600,
    description: 'seconds after which what was published again has to be there'
  }),
  ...callSettings
})
export type ReconcileConfig = Static<typeof ReconcileConfig>

type Environment = Readonly<Record<string, string | undefined>>

/** Where `npm start` says where its parts are. */
export const STACK_FILE = '.local/stack.json'

/** Any of these set means that something else than the local stack is meant. */
const telling = ['CHAIN_ID', 'RPC_URLS', 'DATABASE_URL', 'SETTLEMENT_URL', 'RISK_ENGINE_URL', 'COMPLIANCE_URL']

/** The environment; where none of those is set, with what the running local stack says, so that nothing of another place is mixed with it. */
export function withLocalStack(env: Environment, path: string = STACK_FILE): Environment {
  if (telling.some(name => env[name])) return env
  const stack = readStack(path)
  if (!stack) return env
  return {
    ...env,
    CHAIN_ID: String(stack.chain_id),
    RPC_URLS: stack.rpc_url,
    ESCROW_FACTORIES: stack.factory,
    DATABASE_URL: stack.databases.relayer_db,
    GOOGLE_CLOUD_PROJECT: stack.pubsub.project,
    PUBSUB_EMULATOR_HOST: stack.pubsub.emulator_host,
    METADATA_SERVER_DETECTION: 'none',
    SETTLEMENT_URL: stack.services.settlement,
    RISK_ENGINE_URL: stack.services['risk-engine'],
    COMPLIANCE_URL: stack.services.compliance,
    SERVICE_AUTH_MODE: 'none'
  }
}

type Stack = {
  rpc_url: string
  chain_id: number
  factory: string
  pubsub: { emulator_host: string; project: string }
  databases: Record<string, string>
  services: Record<string, string>
}

function readStack(path: string): Stack | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Stack // written by the local stack alone
  } catch {
    return undefined
  }
}
