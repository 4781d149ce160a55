import { fileURLToPath } from 'node:url'
import { factMigrations } from '@fusion-prime/escrow'
import { createApp, maintenanceRoutes, type Service, type ServiceDeps } from '@fusion-prime/http'
import { outboxMigrations } from '@fusion-prime/postgres'
import type { FastifyInstance } from 'fastify'
import { ComplianceConfig } from './config.ts'
import { escrowEvents } from './party/consume.ts'
import { createListReader } from './sanctions/read.ts'
import { createSanctionsSource, type SanctionsSource } from './sanctions/source.ts'
import { screeningRoutes } from './screening/routes.ts'

export type ComplianceDeps = ServiceDeps & { sanctions: SanctionsSource }

/** Compliance: who the parties of escrows are, and what the sanctions lists say of them. */
export function createCompliance(deps: ComplianceDeps): FastifyInstance {
  const app = createApp({
    ...deps,
    name: 'compliance',
    description: 'Who the parties of escrows are, and what the sanctions lists say of them',
    details: async () => ({ sanctions: deps.sanctions.status() })
  })
  app.register(escrowEvents(deps))
  app.register(screeningRoutes(deps))
  app.register(maintenanceRoutes(deps))
  return app
}

/** Compliance as a process: what main.ts and the local process group start. */
export const compliance: Service<typeof ComplianceConfig> = {
  name: 'compliance',
  config: ComplianceConfig,
  create(parts, config) {
    const sanctions = createSanctionsSource({
      read: createListReader(config.SANCTIONS_LIST_URL),
      maxAgeHours: config.SANCTIONS_MAX_AGE_HOURS,
      now: parts.now,
      log: parts.log
    })
    const app = createCompliance({ ...parts, sanctions })
    const stop = sanctions.keepFresh(config.SANCTIONS_REFRESH_SECONDS)
    app.addHook('onClose', async () => stop())
    return app
  }
}

/** All tables of the service, in the order in which they are made. */
export const migrations = [
  outboxMigrations,
  factMigrations,
  { label: 'compliance', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
]
