import { type Static, type TObject, Type } from 'typebox'

/** How a service calls others; spread into the settings of one that does. */
export const callSettings = {
  CALL_TIMEOUT_MS: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 60_000,
    description: 'milliseconds that one attempt of a call to another service may take'
  }),
  CALL_ATTEMPTS: Type.Integer({ default: 3, minimum: 1, maximum: 10, description: 'attempts of a call, at most' }),
  CALL_BACKOFF_MIN_MS: Type.Integer({
    default: 1_000,
    maximum: 60_000,
    description:
      'milliseconds before the second attempt at least; they double, and up to as much again is added by chance'
  }),
  CALL_BACKOFF_MAX_MS: Type.Integer({
    default: 10_000,
    maximum: 60_000,
    description: 'milliseconds between two attempts at most, unless the callee asks for more'
  }),
  CALL_BUDGET_MS: Type.Integer({
    default: 45_000,
    minimum: 1,
    maximum: 55_000,
    description: 'milliseconds for a call with all its attempts: less than the ack deadline of a push (60 s)'
  }),
  BREAKER_FAILURES: Type.Integer({
    default: 5,
    minimum: 1,
    maximum: 1_000,
    description: 'calls that fail one after the other until the callee is left alone'
  }),
  BREAKER_OPEN_MS: Type.Integer({
    default: 60_000,
    minimum: 1,
    maximum: 3_600_000,
    description: 'milliseconds for which the callee is left alone; then one call tries it'
  })
}

export type CallSettings = Static<TObject<typeof callSettings>>
