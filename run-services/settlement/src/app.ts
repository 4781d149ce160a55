import { fileURLToPath } from 'node:url'
import { factMigrations } from '@fusion-prime/escrow'
import { createApp, maintenanceRoutes, type Service, type ServiceDeps } from '@fusion-prime/http'
import { outboxMigrations } from '@fusion-prime/postgres'
import type { FastifyInstance } from 'fastify'
import { SettlementConfig } from './config.ts'
import { type EscrowEventsDeps, escrowEvents } from './escrow/consume.ts'
import { escrowRoutes } from './escrow/routes.ts'

/** Settlement: what happened to every escrow, and what is settled for good. */
export function createSettlement(deps: ServiceDeps & EscrowEventsDeps): FastifyInstance {
  const app = createApp({
    ...deps,
    name: 'settlement',
    description: 'What happened to every escrow, and what is settled for good'
  })
  app.register(escrowEvents(deps))
  app.register(escrowRoutes(deps))
  app.register(maintenanceRoutes(deps))
  return app
}

/** Settlement as a process: what main.ts and the local process group start. */
export const settlement: Service<typeof SettlementConfig> = {
  name: 'settlement',
  config: SettlementConfig,
  create: parts => createSettlement(parts)
}

/** All tables of the service, in the order in which they are made. */
export const migrations = [
  outboxMigrations,
  factMigrations,
  { label: 'settlement', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
]
