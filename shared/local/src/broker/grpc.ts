import { createRequire } from 'node:module'
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { BrokerError } from './errors.ts'

/** Larger than what Pub/Sub takes, so that too much is refused by the limits and not by the transport. */
const MAX_RECEIVE_BYTES = 32 * 1024 * 1024

export type GrpcServer = { port: number; close: () => void }

/** Serves the Pub/Sub API as the installed client library defines it; methods without a handler answer UNIMPLEMENTED. */
export async function serveGrpc(
  services: Record<'Publisher' | 'Subscriber', UntypedServiceImplementation>,
  { host, port }: { host: string; port: number }
): Promise<GrpcServer> {
  const protos = createRequire(import.meta.url)('@google-cloud/pubsub/build/protos/protos.json')
  const definitions = fromJSON(protos, { longs: Number, enums: String, defaults: true })
  const server = new Server({ 'grpc.max_receive_message_length': MAX_RECEIVE_BYTES })
  for (const [name, handlers] of Object.entries(services)) {
    const definition = definitions[`google.pubsub.v1.${name}`]
    server.addService(definition as ServiceDefinition, handlers) // the loader's type doesn't tell services from messages
  }
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, actual) =>
      error ? reject(error) : resolve(actual)
    )
  })
  return { port: bound, close: () => server.forceShutdown() }
}

/** A handler that returns its answer or throws. */
export function unary<Request, Response>(
  handle: (request: Request, call: ServerUnaryCall<Request, Response>) => Response | Promise<Response>
): handleUnaryCall<Request, Response> {
  return async (call, callback) => {
    try {
      callback(null, await handle(call.request, call))
    } catch (error) {
      callback(toServiceError(error))
    }
  }
}

export function toServiceError(error: unknown): { code: number; details: string } {
  if (error instanceof BrokerError) return { code: status[error.status], details: error.message }
  return { code: status.INTERNAL, details: String(error) }
}

/** Lists are sorted; a page's token is the last name of the page before. */
export function page(names: readonly string[], { pageSize, pageToken }: { pageSize: number; pageToken: string }) {
  const rest = names.filter(name => name > pageToken).sort()
  const items = pageSize > 0 ? rest.slice(0, pageSize) : rest
  return { items, nextPageToken: items.length < rest.length ? (items.at(-1) ?? '') : '' }
}
