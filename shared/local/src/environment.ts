import type { DeployableName, ServiceName } from './deployables.ts'

export const PROJECT = 'fusion-prime-local'

/** Where the parts of the local cloud are. */
export type Places = {
  rpcUrl: string
  chainId: number
  factory: string
  startBlock: number
  brokerHost: string
  issuer: { url: string; jwksUrl: string }
  databases: Readonly<Record<string, string>>
  ports: Readonly<Record<DeployableName, number>>
  sanctionsListUrl: string
  pollSeconds: number
  /** Where the price oracle finds its sources. */
  market: Readonly<Record<string, string>>
}

export const serviceUrl = (port: number): string => `http://127.0.0.1:${port}`

/** What a service's push tokens must say: its root URL, and the account that pushes to it alone. */
export const pushClaims = (service: ServiceName, url: string): { audience: string; email: string } => ({
  audience: url,
  email: `${service}-push@${PROJECT}.iam.gserviceaccount.com`
})

/** The environment of a service: the same settings as in production. */
export function serviceEnvironment(
  service: ServiceName,
  { places, database }: { places: Places; database: string }
): Record<string, string> {
  const { audience, email } = pushClaims(service, serviceUrl(places.ports[service]))
  return {
    ...common(places, database),
    PORT: String(places.ports[service]),
    PUSH_AUTH_MODE: 'oidc',
    PUSH_AUDIENCE: audience,
    PUSH_SERVICE_ACCOUNT: email,
    PUSH_SUBSCRIPTION_PREFIX: `projects/${PROJECT}/subscriptions/`,
    OIDC_ISSUER: places.issuer.url,
    OIDC_JWKS_URL: places.issuer.jwksUrl,
    SERVICE_AUTH_MODE: 'none',
    BREAKER_OPEN_MS: '5000', // in production a minute
    RISK_ENGINE_URL: serviceUrl(places.ports['risk-engine']),
    COMPLIANCE_URL: serviceUrl(places.ports.compliance),
    SANCTIONS_LIST_URL: places.sanctionsListUrl
  }
}

export function relayerEnvironment({ places, database }: { places: Places; database: string }): Record<string, string> {
  return {
    ...common(places, database),
    CHAIN_ID: String(places.chainId),
    RPC_URLS: places.rpcUrl,
    ESCROW_FACTORIES: places.factory,
    START_BLOCK: String(places.startBlock),
    POLL_INTERVAL_SECONDS: String(places.pollSeconds),
    LEASE_SECONDS: '2', // a relayer that was killed is followed by another one soon
    HOST: '127.0.0.1',
    PORT: String(places.ports['event-relayer'])
  }
}

export function oracleEnvironment({ places, database }: { places: Places; database: string }): Record<string, string> {
  return {
    ...common(places, database),
    ...places.market,
    PRICE_INTERVAL_SECONDS: '1', // in production 30
    JUMP_WINDOW_SECONDS: '1',
    HOST: '127.0.0.1',
    PORT: String(places.ports['price-oracle'])
  }
}

const common = ({ brokerHost }: Places, database: string): Record<string, string> => ({
  DATABASE_URL: database,
  GOOGLE_CLOUD_PROJECT: PROJECT,
  PUBSUB_EMULATOR_HOST: brokerHost,
  // There is no metadata server here to look for.
  METADATA_SERVER_DETECTION: 'none'
})
