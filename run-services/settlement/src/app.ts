import { fileURLToPath } from 'node:url'
import { factMigrations, rangeManifests, rangeRoutes } from '@fusion-prime/escrow'
import { subscriptions } from '@fusion-prime/events'
import {
  createApp,
  createIdTokens,
  createServiceClient,
  maintenanceRoutes,
  type Service,
  type ServiceDeps,
  type ServiceParts
} from '@fusion-prime/http'
import { outboxMigrations } from '@fusion-prime/postgres'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import type { Callees } from './command/assess.ts'
import { commandEvents } from './command/consume.ts'
import { ingestRoute } from './command/ingest.ts'
import { resolutionRoute } from './command/resolve.ts'
import { commandRoutes } from './command/routes.ts'
import { createReport } from './command/settle.ts'
import { countHeld } from './command/store.ts'
import { sweepRoute } from './command/sweep.ts'
import { SettlementConfig } from './config.ts'
import { type EscrowEventsDeps, escrowEvents } from './escrow/consume.ts'
import { escrowRoutes } from './escrow/routes.ts'
import { ledgerRoutes } from './ledger/routes.ts'
import { complianceNotices, riskNotices } from './notice/consume.ts'
import { noticeRoutes } from './notice/routes.ts'
import { settlementDerivation } from './range/derivation.ts'

/** Settlement: what happened to every escrow, what became of every command, and what is settled for good. */
export function createSettlement(given: ServiceDeps & EscrowEventsDeps & Callees): FastifyInstance {
  const deps = { ...given, report: createReport(given) }
  const app = createApp({
    ...deps,
    name: 'settlement',
    description: 'What happened to every escrow, what became of every command, and what is settled for good',
    details: async () => ({ held_commands: await countHeld(deps.sql) })
  })
  app.register(escrowEvents(deps))
  app.register(escrowRoutes(deps))
  app.register(ledgerRoutes(deps))
  app.register(ingestRoute(deps))
  app.register(commandEvents(deps))
  app.register(commandRoutes(deps))
  app.register(resolutionRoute(deps))
  app.register(sweepRoute(deps))
  app.register(riskNotices(deps))
  app.register(complianceNotices(deps))
  app.register(noticeRoutes(deps))
  app.register(rangeManifests(subscriptions['chain.ranges.v1-settlement'])(deps))
  app.register(rangeRoutes({ sql: deps.sql, derivation: settlementDerivation }))
  app.register(maintenanceRoutes(deps))
  return app
}

/** Settlement as a process: what main.ts and the local process group start. */
export const settlement: Service<typeof SettlementConfig> = {
  name: 'settlement',
  config: SettlementConfig,
  create: (parts, config) => createSettlement({ ...parts, ...createCallees(parts, config) })
}

function createCallees({ log }: ServiceParts, config: Static<typeof SettlementConfig>): Callees {
  const common = { idToken: createIdTokens(config.SERVICE_AUTH_MODE), settings: config, log }
  return {
    risk: createServiceClient({ ...common, name: 'risk-engine', url: config.RISK_ENGINE_URL }),
    compliance: createServiceClient({ ...common, name: 'compliance', url: config.COMPLIANCE_URL })
  }
}

/** All tables of the service, in the order in which they are made. */
export const migrations = [
  outboxMigrations,
  factMigrations,
  { label: 'settlement', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
]
