import { fileURLToPath } from 'node:url'
import { factMigrations, rangeManifests, rangeRoutes } from '@fusion-prime/escrow'
import { subscriptions } from '@fusion-prime/events'
import { createApp, maintenanceRoutes, type Service, type ServiceDeps } from '@fusion-prime/http'
import { outboxMigrations } from '@fusion-prime/postgres'
import { priceMigrations } from '@fusion-prime/prices'
import { readConfig } from '@fusion-prime/runtime'
import type { FastifyInstance } from 'fastify'
import { settlementEvents } from './assessment/consume.ts'
import { assessmentRoutes } from './assessment/routes.ts'
import { RiskEngineConfig, RiskSettings, volatilityOf } from './config.ts'
import { isPublishing } from './margin/publishing.ts'
import { marginRoutes } from './margin/routes.ts'
import { countWatches } from './margin/store.ts'
import { escrowEvents } from './position/consume.ts'
import { positionRoutes } from './position/routes.ts'
import { priceEvents } from './price/consume.ts'
import { riskDerivation } from './range/derivation.ts'
import { statisticsRoutes } from './statistics/routes.ts'
import { stressRoutes } from './stress/routes.ts'

/** Risk engine: who has what at stake, how risky it is, and whose margin is running out. */
export function createRiskEngine(deps: ServiceDeps, settings = readConfig(RiskSettings, {})): FastifyInstance {
  const app = createApp({
    ...deps,
    name: 'risk-engine',
    description: 'Who has what at stake, how risky it is, and whose margin is running out',
    details: async () => ({ margins: await countWatches(deps.sql) }),
    notes: async ({ databaseAnswers }) => ({
      margin_alert_publisher_ready: databaseAnswers && (await isPublishing(deps))
    })
  })
  const valued = {
    ...deps,
    maxAgeSeconds: settings.PRICE_MAX_AGE_SECONDS,
    defaultVolatility: volatilityOf(settings)
  }
  app.register(escrowEvents(deps))
  app.register(priceEvents({ ...valued, priceSubscription: settings.PRICE_SUBSCRIPTION }))
  app.register(positionRoutes(deps))
  app.register(marginRoutes(valued))
  app.register(assessmentRoutes(valued))
  app.register(settlementEvents(deps))
  app.register(statisticsRoutes(valued))
  app.register(stressRoutes(valued))
  app.register(rangeManifests(subscriptions['chain.ranges.v1-risk-engine'])(deps))
  app.register(rangeRoutes({ sql: deps.sql, derivation: riskDerivation }))
  app.register(maintenanceRoutes(deps))
  return app
}

/** The risk engine as a process: what main.ts and the local process group start. */
export const riskEngine: Service<typeof RiskEngineConfig> = {
  name: 'risk-engine',
  config: RiskEngineConfig,
  create: createRiskEngine
}

/** All tables of the service, in the order in which they are made. */
export const migrations = [
  outboxMigrations,
  factMigrations,
  priceMigrations,
  { label: 'risk-engine', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
]
