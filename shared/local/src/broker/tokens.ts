import type { Clock } from './clock.ts'

/** Mints a signed OIDC identity token. */
export type MintToken = (claims: { audience: string; email: string }) => Promise<string>

/** A token from memory, or a promise when one has to be minted first. */
export type Tokens = (claims: { readonly audience: string; readonly email: string }) => string | Promise<string>

/** As Google: a token serves many pushes. It is renewed after half its life. */
export function createTokens(mintToken: MintToken, clock: Clock): Tokens {
  const kept = new Map<string, { token: string; renewAt: number }>()
  const minting = new Map<string, Promise<string>>()

  return ({ audience, email }) => {
    const key = JSON.stringify([audience, email])
    const known = kept.get(key)
    if (known && clock.now() < known.renewAt) return known.token
    const running = minting.get(key)
    if (running) return running
    const minted = mintToken({ audience, email })
      .then(token => {
        kept.set(key, { token, renewAt: (clock.now() + expiryMs(token)) / 2 })
        return token
      })
      .finally(() => minting.delete(key))
    minting.set(key, minted)
    return minted
  }
}

/** The `exp` of a JWT in milliseconds since the epoch; 0, so never kept, for what isn't one. */
function expiryMs(token: string): number {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return 0
    return typeof claims.exp === 'number' ? claims.exp * 1000 : 0
  } catch {
    return 0
  }
}
