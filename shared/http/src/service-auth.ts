import type { Refusal, TokenVerifier } from '@fusion-prime/pubsub'
import { PermanentError } from '@fusion-prime/runtime'

/** The caller's email when it may run the operation, else why not. */
export type ServiceAuth = (
  authorization: string | undefined,
  operationId: string
) => Promise<{ caller: string } | Refusal>

/** Which accounts may call which operations: `{"<email>": ["<operationId>", …] or ["*"]}`. */
export type AllowedCallers = Readonly<Record<string, readonly string[]>>

export function parseAllowedCallers(text: string): AllowedCallers {
  try {
    const parsed: unknown = JSON.parse(text)
    if (isAllowedCallers(parsed)) return parsed
  } catch {
    // Falls through to the one message that says what is wanted.
  }
  throw new PermanentError('ALLOWED_CALLERS must be JSON of the form {"<email>": ["<operationId>", …] or ["*"]}')
}

function isAllowedCallers(value: unknown): value is AllowedCallers {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every(list => Array.isArray(list) && list.every(entry => typeof entry === 'string'))
}

export function createServiceAuth(options: {
  verify: TokenVerifier
  audience: string
  callers: AllowedCallers
}): ServiceAuth {
  if (!options.audience) throw new PermanentError('SERVICE_AUDIENCE may not be empty unless SERVICE_AUTH_MODE is none')
  return async (authorization, operationId) => {
    const token = await options.verify(authorization)
    if ('status' in token) return token
    const { aud, email, email_verified } = token.claims
    if (aud !== options.audience) return { status: 403, reason: 'the token is for another audience' }
    if (email_verified !== true || typeof email !== 'string')
      return { status: 403, reason: 'the token’s email is not verified' }
    const operations = Object.hasOwn(options.callers, email) ? options.callers[email] : undefined
    if (!operations?.some(allowed => allowed === '*' || allowed === operationId)) {
      return { status: 403, reason: `the caller may not run ${operationId}` }
    }
    return { caller: email }
  }
}
