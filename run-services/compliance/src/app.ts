import { fileURLToPath } from 'node:url'
import { factMigrations, rangeManifests, rangeRoutes } from '@fusion-prime/escrow'
import { subscriptions } from '@fusion-prime/events'
import { createApp, maintenanceRoutes, type Service, type ServiceDeps } from '@fusion-prime/http'
import { outboxMigrations } from '@fusion-prime/postgres'
import { findPrices, isFresh, priceMigrations, priceUpdates } from '@fusion-prime/prices'
import type { FastifyInstance } from 'fastify'
import { auditRoutes } from './audit/routes.ts'
import type { CheckDeps } from './check/check.ts'
import { commandOutcomes } from './check/outcomes.ts'
import { checkRoutes } from './check/routes.ts'
import { ComplianceConfig } from './config.ts'
import { kycRoutes } from './kyc/routes.ts'
import { escrowEvents } from './party/consume.ts'
import { complianceDerivation } from './range/derivation.ts'
import { createNameIndex } from './sanctions/names/index.ts'
import { createFindName } from './sanctions/names.ts'
import { createListReader } from './sanctions/read.ts'
import { createKeepList } from './sanctions/snapshots.ts'
import { createSanctionsSource } from './sanctions/source.ts'
import { createRescreening, type Rescreening } from './screening/rescreen.ts'
import { screeningRoutes } from './screening/routes.ts'

export type ComplianceDeps = ServiceDeps & CheckDeps & { rescreening: Rescreening }

/** Compliance: who the parties of escrows are, what the sanctions lists say of them, and whether a payment may be made. */
export function createCompliance(deps: ComplianceDeps): FastifyInstance {
  const { sanctions } = deps
  const app = createApp({
    ...deps,
    name: 'compliance',
    description:
      'Who the parties of escrows are, what the sanctions lists say of them, and whether a payment may be made',
    details: async () => ({ sanctions: sanctions.status() }),
    notes: () => ({ sanctions: sanctions.status() })
  })
  app.register(escrowEvents(deps))
  app.register(commandOutcomes(deps))
  app.register(priceUpdates(subscriptions['compliance-prices-consumer'])(deps))
  app.register(checkRoutes(deps))
  app.register(auditRoutes(deps))
  app.register(kycRoutes(deps))
  app.register(screeningRoutes(deps))
  app.register(rangeManifests(subscriptions['chain.ranges.v1-compliance'])(deps))
  app.register(rangeRoutes({ sql: deps.sql, derivation: complianceDerivation(deps) }))
  app.register(maintenanceRoutes(deps))
  return app
}

/** Compliance as a process: what main.ts and the local process group start. */
export const compliance: Service<typeof ComplianceConfig> = {
  name: 'compliance',
  config: ComplianceConfig,
  create(parts, config) {
    const { sweeper, log } = parts
    const sanctions = createSanctionsSource({
      read: createListReader(config.SANCTIONS_LIST_URL),
      maxAgeHours: config.SANCTIONS_MAX_AGE_HOURS,
      now: parts.now,
      log
    })
    const kyc = {
      ...parts,
      sanctions,
      findName: createFindName(createNameIndex),
      kycValidDays: config.KYC_VALID_DAYS
    }
    const rescreening = createRescreening(kyc)
    const app = createCompliance({
      ...kyc,
      rescreening,
      keepList: createKeepList(),
      limits: {
        velocity_max_payments: String(config.VELOCITY_MAX_PAYMENTS),
        velocity_max_usd: config.VELOCITY_MAX_USD
      },
      findPrice: createFindPrice(config.PRICE_MAX_AGE_SECONDS)
    })
    const stop = sanctions.keepFresh(config.SANCTIONS_REFRESH_SECONDS, async () => {
      try {
        await rescreening.run()
        await sweeper.flush()
      } catch (error) {
        log.error({ error }, 'rescreening_failed')
      }
    })
    app.addHook('onClose', async () => {
      stop()
      await rescreening.stop()
    })
    return app
  }
}

export const createFindPrice =
  (maxAgeSeconds: number): CheckDeps['findPrice'] =>
  async (sql, { asset, now }) => {
    const price = (await findPrices(sql, [asset])).get(asset)
    return price && { ...price, fresh: isFresh(price, { now, maxAgeSeconds }) }
  }

/** All tables of the service, in the order in which they are made. */
export const migrations = [
  outboxMigrations,
  factMigrations,
  priceMigrations,
  { label: 'compliance', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
]
