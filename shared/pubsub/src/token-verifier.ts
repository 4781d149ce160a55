import { createHash } from 'node:crypto'
import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'

export type TokenVerifierConfig = {
  /** `iam`: Cloud Run has verified the token and stripped its signature; `oidc`: it is verified here. */
  mode: 'iam' | 'oidc'
  issuer: string
  jwksUrl: string
  now?: () => number
}

/** Why a request is refused. 401: no genuine token; 403: genuine, but for someone or something else; 503: the keys couldn't be read. */
export type Refusal = { status: 401 | 403 | 503; reason: string }

export type VerifiedToken = { claims: JWTPayload } | Refusal

/** Reads an `authorization` header. The claims are genuine and unexpired; for whom they are is the caller's to judge. */
export type TokenVerifier = (authorization: string | undefined) => Promise<VerifiedToken>

/** Callers use one token for up to an hour; a service sees few different ones. */
const MAX_REMEMBERED = 1_000
const REFRESH_KEYS_MS = 600_000
const required = ['iss', 'aud', 'email', 'email_verified', 'exp']

/** Verifies each token once and remembers it until it expires, by its hash. No part of a token is in any answer. */
export function createTokenVerifier(config: TokenVerifierConfig): TokenVerifier {
  const now = config.now ?? Date.now
  const readToken = config.mode === 'iam' ? readStripped(config, now) : verifySigned(config, now)
  const remembered = new Map<string, JWTPayload>()

  return async authorization => {
    const token = /^bearer ([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(authorization ?? '')?.[1]
    if (!token) return { status: 401, reason: 'a bearer token is needed' }
    const key = createHash('sha256').update(token).digest('base64')
    const known = remembered.get(key)
    if (known && (known.exp ?? 0) * 1000 > now()) return { claims: known }
    remembered.delete(key)

    const read = await readToken(token)
    if ('status' in read) return read
    const oldest = remembered.size < MAX_REMEMBERED ? undefined : remembered.keys().next().value
    if (oldest !== undefined) remembered.delete(oldest)
    remembered.set(key, read.claims)
    return read
  }
}

type ReadToken = (token: string) => Promise<VerifiedToken>

function verifySigned(config: TokenVerifierConfig, now: () => number): ReadToken {
  // Never stale: known keys go on verifying while the issuer is away. An unknown key refetches, at most every 30 s.
  const keys = createRemoteJWKSet(new URL(config.jwksUrl), { cacheMaxAge: Infinity, cooldownDuration: 30_000 })
  let refreshAt = now() + REFRESH_KEYS_MS
  return async token => {
    if (now() >= refreshAt) {
      refreshAt = now() + REFRESH_KEYS_MS
      // Drops retired keys. When it fails the known ones stay; an unknown key will ask again and tell.
      keys.reload().catch(() => undefined)
    }
    try {
      const currentDate = new Date(now())
      const options = { algorithms: ['RS256'], issuer: config.issuer, requiredClaims: required, currentDate }
      return { claims: (await jwtVerify(token, keys, options)).payload }
    } catch (error) {
      return isTokenFault(error)
        ? { status: 401, reason: `the token was refused: ${error.code}` }
        : { status: 503, reason: 'the issuer’s keys could not be read' }
    }
  }
}

function isTokenFault(error: unknown): error is errors.JOSEError {
  if (!(error instanceof errors.JOSEError)) return false
  const fetching = [errors.JOSEError.code, errors.JWKSTimeout.code, errors.JWKSInvalid.code]
  return !fetching.includes(error.code)
}

function readStripped(config: TokenVerifierConfig, now: () => number): ReadToken {
  return async token => {
    try {
      const claims = decodeJwt(token)
      const missing = required.find(name => claims[name] === undefined)
      if (missing) return { status: 401, reason: `the token has no ${missing}` }
      if (claims.iss !== config.issuer) return { status: 401, reason: 'the token is of another issuer' }
      if (typeof claims.exp !== 'number' || claims.exp * 1000 <= now())
        return { status: 401, reason: 'the token has expired' }
      return { claims }
    } catch {
      return { status: 401, reason: 'the token can’t be read' }
    }
  }
}
