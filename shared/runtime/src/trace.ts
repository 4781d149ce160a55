import { randomBytes } from 'node:crypto'

/** A new W3C trace context, sampled. */
export const newTraceparent = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`

/** The next span of the same trace. */
export const childTraceparent = (traceparent: string): string =>
  `${traceparent.slice(0, 36)}${randomBytes(8).toString('hex')}${traceparent.slice(52)}`
