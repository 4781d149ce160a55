import { PermanentError } from '@fusion-prime/runtime'
import type { Refusal, TokenVerifier } from './token-verifier.ts'

/** Undefined when Pub/Sub may push, else why not. */
export type PushAuth = (authorization: string | undefined) => Promise<Refusal | undefined>

/** One audience and one push service account per service, so that a token for one service can't be replayed at another. */
export function createPushAuth({
  verify,
  audience,
  email
}: {
  verify: TokenVerifier
  audience: string
  email: string
}): PushAuth {
  if (!audience || !email) throw new PermanentError('PUSH_AUDIENCE and PUSH_SERVICE_ACCOUNT may not be empty')
  return async authorization => {
    const token = await verify(authorization)
    if ('status' in token) return token
    const { claims } = token
    if (claims.aud !== audience) return { status: 403, reason: 'the token is for another audience' }
    if (claims.email !== email) return { status: 403, reason: 'the token is another account’s' }
    if (claims.email_verified !== true) return { status: 403, reason: 'the token’s email is not verified' }
    return undefined
  }
}
