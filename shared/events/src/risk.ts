import { Type } from 'typebox'
import { type BodyOf, defineEvent, defineTopic } from './define.ts'
import { uuid8 } from './ids.ts'
import { Nullable, Reference, UtcTime, Uuid } from './scalars.ts'

/** USD with its fraction, exact: `841.34`; may be negative where that has a meaning. */
const Usd = Type.String({ pattern: '^-?(0|[1-9][0-9]{0,119})(\\.[0-9]{1,60})?$' })

/** The identity of the n-th message of a kind about a user. */
export const userEventId = ({ user_id, event_type, n }: { user_id: string; event_type: string; n: number }): string =>
  uuid8(`${user_id}:${event_type}:${n}`)

const alertFields = {
  event_id: Uuid,
  schema_version: Type.Literal(1),
  user_id: Reference,
  /** 100 (C - B) / B, rounded half-up to 2 places. */
  health_score: Type.Number(),
  previous_health_score: Nullable(Type.Number()),
  status: Type.Union([Type.Literal('WARNING'), Type.Literal('MARGIN_CALL'), Type.Literal('LIQUIDATION')]),
  message: Type.String({ minLength: 1, maxLength: 1_000 }),
  total_collateral_usd: Usd,
  total_borrow_usd: Usd,
  /** How far the collateral's worth may still fall, in percent; negative when it has fallen further, null without collateral. */
  liquidation_price_drop_percent: Nullable(Type.String({ pattern: '^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$' })),
  occurred_at: UtcTime
}

const exampleAlert = {
  schema_version: 1,
  user_id: 'user-7',
  total_borrow_usd: '3100',
  occurred_at: '2026-01-31T12:00:00.000Z'
} as const

export const MarginWarning = defineEvent({
  type: 'margin_warning',
  version: 1,
  meaning: 'The health of a user’s margin fell from 50 or more to below 50.',
  body: Type.Object({
    event_type: Type.Literal('margin_warning'),
    severity: Type.Literal('medium'),
    ...alertFields
  }),
  example: {
    event_type: 'margin_warning',
    severity: 'medium',
    event_id: userEventId({ user_id: 'user-7', event_type: 'margin_warning', n: 1 }),
    ...exampleAlert,
    health_score: 45,
    previous_health_score: 60,
    status: 'WARNING',
    message: 'margin health 45.00 is below 50',
    total_collateral_usd: '4495',
    liquidation_price_drop_percent: '20.69'
  }
})

export const MarginCall = defineEvent({
  type: 'margin_call',
  version: 1,
  meaning: 'The health of a user’s margin fell below 30.',
  body: Type.Object({ event_type: Type.Literal('margin_call'), severity: Type.Literal('high'), ...alertFields }),
  example: {
    event_type: 'margin_call',
    severity: 'high',
    event_id: userEventId({ user_id: 'user-7', event_type: 'margin_call', n: 1 }),
    ...exampleAlert,
    health_score: 27.14,
    previous_health_score: 45,
    status: 'MARGIN_CALL',
    message: 'margin health 27.14 is below 30',
    total_collateral_usd: '3941.34',
    liquidation_price_drop_percent: '9.55'
  }
})

export const LiquidationImminent = defineEvent({
  type: 'liquidation_imminent',
  version: 1,
  meaning: 'The health of a user’s margin fell below 15.',
  body: Type.Object({
    event_type: Type.Literal('liquidation_imminent'),
    severity: Type.Literal('critical'),
    ...alertFields
  }),
  example: {
    event_type: 'liquidation_imminent',
    severity: 'critical',
    event_id: userEventId({ user_id: 'user-7', event_type: 'liquidation_imminent', n: 1 }),
    ...exampleAlert,
    health_score: 10,
    previous_health_score: 27.14,
    status: 'LIQUIDATION',
    message: 'margin health 10.00 is below 15',
    total_collateral_usd: '3410',
    liquidation_price_drop_percent: '-4.55'
  }
})

export const marginAlerts = defineTopic({
  name: 'alerts.margin.v1',
  meaning: 'A user’s margin crossed a threshold downwards; once per crossing.',
  orderingKey: 'user_id',
  publishers: ['risk-engine'],
  events: [MarginWarning, MarginCall, LiquidationImminent],
  attributes: [],
  freeAttributes: {},
  derivedIds: () => ({})
})

export type MarginAlert = BodyOf<(typeof marginAlerts.events)[number]>

const MarginStatus = Type.Enum(['HEALTHY', 'WARNING', 'MARGIN_CALL', 'LIQUIDATION', 'UNPRICEABLE'])
const RiskLevel = Type.Enum(['low', 'medium', 'high', 'critical', 'unpriceable'])

export const MarginStatusChanged = defineEvent({
  type: 'margin_status_changed',
  version: 1,
  meaning: 'The margin of a watched user has another status than before.',
  body: Type.Object({
    event_id: Uuid,
    event_type: Type.Literal('margin_status_changed'),
    schema_version: Type.Literal(1),
    user_id: Reference,
    status: MarginStatus,
    previous_status: Nullable(MarginStatus),
    health_score: Nullable(Type.Number()),
    occurred_at: UtcTime
  }),
  example: {
    event_id: userEventId({ user_id: 'user-7', event_type: 'margin_status_changed', n: 2 }),
    event_type: 'margin_status_changed',
    schema_version: 1,
    user_id: 'user-7',
    status: 'MARGIN_CALL',
    previous_status: 'WARNING',
    health_score: 27.14,
    occurred_at: '2026-01-31T12:00:00.000Z'
  }
})

export const RiskLevelChanged = defineEvent({
  type: 'risk_level_changed',
  version: 1,
  meaning: 'The last assessment of a user’s portfolio gave another level than the one before.',
  body: Type.Object({
    event_id: Uuid,
    event_type: Type.Literal('risk_level_changed'),
    schema_version: Type.Literal(1),
    user_id: Reference,
    risk_level: RiskLevel,
    previous_risk_level: Nullable(RiskLevel),
    /** 0 to 1. */
    risk_score: Nullable(Type.Number()),
    occurred_at: UtcTime
  }),
  example: {
    event_id: userEventId({ user_id: 'user-7', event_type: 'risk_level_changed', n: 1 }),
    event_type: 'risk_level_changed',
    schema_version: 1,
    user_id: 'user-7',
    risk_level: 'high',
    previous_risk_level: 'low',
    risk_score: 0.81,
    occurred_at: '2026-01-31T12:00:00.000Z'
  }
})

export const riskEvents = defineTopic({
  name: 'risk-events',
  meaning: 'Changes of a user’s risk level and margin status.',
  orderingKey: 'user_id',
  publishers: ['risk-engine'],
  events: [MarginStatusChanged, RiskLevelChanged],
  attributes: [],
  freeAttributes: {},
  derivedIds: () => ({})
})

export type RiskEvent = BodyOf<(typeof riskEvents.events)[number]>
