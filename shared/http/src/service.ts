import { createSql, pruneInbox, pruneOutbox, type Sql } from '@fusion-prime/postgres'
import { createPublisher, createPushAuth, createTokenVerifier } from '@fusion-prime/pubsub'
import { defineConfig, type Log, PermanentError, readConfig } from '@fusion-prime/runtime'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { type Static, type TObject, Type } from 'typebox'
import type { ConsumeDeps } from './consume.ts'
import type { AppDeps } from './create-app.ts'
import { createMetrics } from './metrics.ts'
import { createOutboxSweeper } from './outbox-sweeper.ts'
import { createServiceAuth, parseAllowedCallers } from './service-auth.ts'

/** Publishing inside a request gets this long. */
const PUBLISH_MS = 1_000

/** The scheduled pruning stops well before its request times out. */
const PRUNE_MS = 20_000

/** Settings that every service has. */
export const serviceConfig = {
  PORT: Type.Integer({ default: 8080, maximum: 65_535, description: 'port to listen on' }),
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    description: 'a postgres:// URL of the service’s own database'
  }),
  DATABASE_POOL: Type.Integer({ default: 10, minimum: 2, maximum: 100, description: 'connections to the database' }),
  GOOGLE_CLOUD_PROJECT: Type.String({ minLength: 1, description: 'the project whose Pub/Sub topics are used' }),
  PUSH_AUTH_MODE: Type.Union([Type.Literal('iam'), Type.Literal('oidc')], {
    description:
      '"iam" where Cloud Run checks the invoker (the token’s signature is stripped), "oidc" where the service verifies the token itself'
  }),
  PUSH_AUDIENCE: Type.String({ minLength: 1, description: 'audience of push tokens: the service’s root URL' }),
  PUSH_SERVICE_ACCOUNT: Type.String({ minLength: 1, description: 'email of the account that pushes to this service' }),
  PUSH_SUBSCRIPTION_PREFIX: Type.String({
    pattern: '^projects/[^/]+/subscriptions/$',
    description: 'projects/<project>/subscriptions/'
  }),
  OIDC_ISSUER: Type.String({ default: 'https://accounts.google.com', description: 'issuer of tokens' }),
  OIDC_JWKS_URL: Type.String({
    default: 'https://www.googleapis.com/oauth2/v3/certs',
    pattern: '^https?://',
    description: 'URL of the issuer’s public keys'
  }),
  SERVICE_AUTH_MODE: Type.Union([Type.Literal('iam'), Type.Literal('oidc'), Type.Literal('none')], {
    description: '"iam" or "oidc" as for pushes; "none" lets anybody in and is refused on Cloud Run'
  }),
  SERVICE_AUDIENCE: Type.String({
    default: '',
    description: 'audience of callers’ tokens; needed unless SERVICE_AUTH_MODE=none'
  }),
  ALLOWED_CALLERS: Type.String({ default: '{}', description: 'JSON: {"<email>": ["<operationId>", …] or ["*"]}' }),
  INBOX_RETENTION_DAYS: Type.Integer({
    default: 45,
    minimum: 39,
    description:
      'days for which handled messages are remembered: at least Pub/Sub’s retention (7) plus that of dead letters (31)'
  }),
  OUTBOX_RETENTION_HOURS: Type.Integer({
    default: 168,
    minimum: 1,
    description: 'published messages are kept this long'
  }),
  HOST: Type.String({
    default: '',
    description: 'address to listen on; default: all, or loopback with SERVICE_AUTH_MODE=none'
  }),
  K_SERVICE: Type.String({ default: '', description: 'set by Cloud Run' })
}

const ServiceConfig = defineConfig(serviceConfig)
export type ServiceConfig = Static<typeof ServiceConfig>

/** How long messages are kept that were handled, and that were published. */
export type Retention = { inboxRetentionDays: number; outboxRetentionHours: number }

export type ServiceDeps = Omit<AppDeps, 'name' | 'description'> & ConsumeDeps & Retention
export type ServiceParts = ServiceDeps & { close(): Promise<void> }

/** What every service is made of, from its settings. Nothing is connected to until it is used. */
export function createParts(name: string, { config, log }: { config: ServiceConfig; log: Log }): ServiceParts {
  if (config.SERVICE_AUTH_MODE === 'none' && config.K_SERVICE) {
    throw new PermanentError('SERVICE_AUTH_MODE=none is refused on Cloud Run (K_SERVICE is set): set iam or oidc')
  }
  const sql = createSql({
    url: config.DATABASE_URL,
    max: config.DATABASE_POOL,
    applicationName: name,
    onFault: error => log.error({ error }, 'postgres_connection_lost')
  })
  const publisher = createPublisher({ project: config.GOOGLE_CLOUD_PROJECT, timeoutMs: PUBLISH_MS })
  const keys = { issuer: config.OIDC_ISSUER, jwksUrl: config.OIDC_JWKS_URL }
  const verifyPush = createTokenVerifier({ mode: config.PUSH_AUTH_MODE, ...keys })
  return {
    sql,
    log,
    metrics: createMetrics(),
    publish: publisher.publish,
    sweeper: createOutboxSweeper({ sql, publish: publisher.publish, log }),
    pushAuth: createPushAuth({
      verify: verifyPush,
      audience: config.PUSH_AUDIENCE,
      email: config.PUSH_SERVICE_ACCOUNT
    }),
    subscriptionPrefix: config.PUSH_SUBSCRIPTION_PREFIX,
    serviceAuth:
      config.SERVICE_AUTH_MODE === 'none'
        ? undefined
        : createServiceAuth({
            verify: createTokenVerifier({ mode: config.SERVICE_AUTH_MODE, ...keys }),
            audience: config.SERVICE_AUDIENCE,
            callers: parseAllowedCallers(config.ALLOWED_CALLERS)
          }),
    inboxRetentionDays: config.INBOX_RETENTION_DAYS,
    outboxRetentionHours: config.OUTBOX_RETENTION_HOURS,
    now: () => new Date(),
    async close() {
      await publisher.close()
      await sql.end({ timeout: 2 })
    }
  }
}

/** A service: its settings, how it is made of its parts, and its tables in the order in which they are made. */
export type Service<Config extends TObject<typeof serviceConfig>> = {
  name: string
  config: Config
  create(parts: ServiceParts, config: Static<Config>): FastifyInstance
}

type Environment = { env: Readonly<Record<string, string | undefined>>; log: Log }

/** A service from its settings. Nothing is connected to until it is used. */
export function createService<Config extends TObject<typeof serviceConfig>>(
  service: Service<Config>,
  { env, log }: Environment
) {
  const settings = readConfig(service.config, env) // all faults at once, the service's own among them
  const config = readConfig(ServiceConfig, env)
  const parts = createParts(service.name, { config, log })
  return { app: service.create(parts, settings), config, parts }
}

/** Reads the settings and listens; answers how to stop: no new work, what is in flight is answered. */
export async function startService<Config extends TObject<typeof serviceConfig>>(
  service: Service<Config>,
  environment: Environment
): Promise<() => Promise<void>> {
  const { app, config, parts } = createService(service, environment)
  const host = config.HOST || (config.SERVICE_AUTH_MODE === 'none' ? '127.0.0.1' : '0.0.0.0')
  const address = await app.listen({ port: config.PORT, host, listenTextResolver: () => 'listening' })
  environment.log.info({ address }, 'service_ready')
  return async () => {
    await app.close()
    await parts.close()
  }
}

const Swept = Type.Object({ published: Type.Integer(), depth: Type.Integer() })
const Pruned = Type.Object({ pruned: Type.Integer() })

/** What a schedule calls: publish what crashes and outages left in the outbox, and forget messages that can't come again or are long out. */
export function maintenanceRoutes({
  sweeper,
  sql,
  inboxRetentionDays,
  outboxRetentionHours
}: {
  sweeper: ServiceDeps['sweeper']
  sql: Sql
} & Retention): FastifyPluginAsync {
  return async app => {
    const tags = ['maintenance']
    const sweep = {
      operationId: 'sweepOutbox',
      summary: 'Publish what stands in the outbox',
      tags,
      response: { 200: Swept }
    }
    app.post('/outbox/sweep', { schema: sweep }, () => sweeper.sweep())
    const prunes = [
      {
        box: 'inbox',
        operationId: 'pruneInbox',
        summary: 'Forget handled messages that can’t come again',
        prune: () => pruneInbox(sql, inboxRetentionDays)
      },
      {
        box: 'outbox',
        operationId: 'pruneOutbox',
        summary: 'Forget messages that were published long ago',
        prune: () => pruneOutbox(sql, outboxRetentionHours)
      }
    ]
    for (const { box, operationId, summary, prune } of prunes) {
      const schema = { operationId, summary, tags, response: { 200: Pruned } }
      app.post(`/${box}/prune`, { schema }, () => pruneAll(prune))
    }
  }
}

/** A call deletes so many rows at most; this goes on until none is left, or its time is over. */
async function pruneAll(prune: () => Promise<number>): Promise<Static<typeof Pruned>> {
  const until = performance.now() + PRUNE_MS
  for (let total = 0; ; ) {
    const pruned = await prune()
    total += pruned
    if (pruned === 0 || performance.now() > until) return { pruned: total }
  }
}
