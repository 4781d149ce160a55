import { GoogleAuth, gcpMetadata, type IdTokenClient } from 'google-auth-library'

/** An ID token of this process' own account for an audience; undefined where none is needed. */
export type IdToken = (audience: string) => Promise<string | undefined>

/** Tokens by Application Default Credentials (on Google Cloud: the metadata server), each kept until shortly before it expires. `none`: no token. */
export function createIdTokens(mode: 'iam' | 'oidc' | 'none'): IdToken {
  if (mode === 'none') return async () => undefined
  const clients = new Map<string, Promise<IdTokenClient>>()

  function clientFor(audience: string): Promise<IdTokenClient> {
    const known = clients.get(audience)
    if (known) return known
    const made = new GoogleAuth().getIdTokenClient(audience)
    clients.set(audience, made)
    made.catch(() => {
      clients.delete(audience)
      gcpMetadata.resetIsAvailableCache() // else it would be away for good
    })
    return made
  }

  return async audience => {
    const client = await clientFor(audience)
    const headers = await client.getRequestHeaders()
    return headers.get('authorization')?.replace(/^Bearer /, '')
  }
}
