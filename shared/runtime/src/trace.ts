import { randomUUID } from 'node:crypto'

// Random UUIDs are drawn from a pool of random bytes: ten times as cheap as asking for the bytes of each id.
const spanId = (): string => randomUUID().slice(-12) + randomUUID().slice(0, 4)

/** A new W3C trace context, sampled. */
export const newTraceparent = (): string => `00-${randomUUID().replaceAll('-', '')}-${spanId()}-01`

/** The next span of the same trace. */
export const childTraceparent = (traceparent: string): string =>
  `${traceparent.slice(0, 36)}${spanId()}${traceparent.slice(52)}`
