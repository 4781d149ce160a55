import { fileURLToPath } from 'node:url'
import { factMigrations } from '@fusion-prime/escrow'
import { createApp, maintenanceRoutes, type Service, type ServiceDeps } from '@fusion-prime/http'
import { outboxMigrations } from '@fusion-prime/postgres'
import type { FastifyInstance } from 'fastify'
import { RiskEngineConfig } from './config.ts'
import { escrowEvents } from './position/consume.ts'
import { positionRoutes } from './position/routes.ts'

/** Risk engine: who has what at stake in the open escrows. */
export function createRiskEngine(deps: ServiceDeps): FastifyInstance {
  const app = createApp({
    ...deps,
    name: 'risk-engine',
    description: 'Who has what at stake in the open escrows'
  })
  app.register(escrowEvents(deps))
  app.register(positionRoutes(deps))
  app.register(maintenanceRoutes(deps))
  return app
}

/** The risk engine as a process: what main.ts and the local process group start. */
export const riskEngine: Service<typeof RiskEngineConfig> = {
  name: 'risk-engine',
  config: RiskEngineConfig,
  create: parts => createRiskEngine(parts)
}

/** All tables of the service, in the order in which they are made. */
export const migrations = [
  outboxMigrations,
  factMigrations,
  { label: 'risk-engine', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
]
