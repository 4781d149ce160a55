export type StatusName =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'UNIMPLEMENTED'
  | 'UNAVAILABLE'

/** A request that can't be served, with the name of the gRPC status that says why. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly status: StatusName
  constructor(status: StatusName, message: string) {
    super(message)
    this.status = status
  }
}

export const invalid = (message: string): BrokerError => new BrokerError('INVALID_ARGUMENT', message)
