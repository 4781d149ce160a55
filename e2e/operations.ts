import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A REST operation as the service's own OpenAPI document tells it. */
export type RestOperation = { id: string; method: string; path: string }

type OpenApi = { paths: Record<string, Record<string, { operationId: string; tags?: string[] }>> }

/** Every operation of a service that callers need a token for; pushes have tests of their own. */
export function operationsOf(service: string): RestOperation[] {
  const path = join(import.meta.dirname, `../run-services/${service}/openapi.json`)
  const { paths }: OpenApi = JSON.parse(readFileSync(path, 'utf8')) // generated from the routes, and compared with them by gen:check
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => !tags?.includes('push'))
      .map(([method, { operationId }]) => ({ id: operationId, method: method.toUpperCase(), path }))
  )
}
