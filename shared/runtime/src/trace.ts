import { randomBytes } from 'node:crypto'

/** A new W3C trace context, sampled. */
export function newTraceparent(): string {
  const id = randomBytes(24).toString('hex')
  return `00-${id.slice(0, 32)}-${id.slice(32)}-01`
}

/** The next span of the same trace. */
export const childTraceparent = (traceparent: string): string =>
  `${traceparent.slice(0, 36)}${randomBytes(8).toString('hex')}${traceparent.slice(52)}`
