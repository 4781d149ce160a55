import { createHash, createSecretKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, type JWK, type JWTHeaderParameters, SignJWT, UnsecuredJWT } from 'jose'

const LIFETIME_SECONDS = 3_600
const METADATA = '/computeMetadata/v1'

export type MintRequest = {
  audience: string
  email: string
  /** For tests of verifiers: what differs from a genuine token. An undefined claim is left out. */
  overrides?: {
    claims?: Record<string, unknown>
    header?: Partial<JWTHeaderParameters>
    /** From now; negative: expired. Default 3600. */
    lifetimeSeconds?: number
    /** `HS256` is signed with the public key as its secret, as a forger would; `none` has no signature. */
    alg?: 'RS256' | 'HS256' | 'none'
  }
}

/** Issues Google-shaped ID tokens with real RS256 signatures, over HTTP and as a metadata server. */
export type Issuer = {
  readonly url: string
  readonly jwksUrl: string
  /** `GET …?audience=&email=` answers a token as text, or as JSON if that is asked for. */
  readonly tokenUrl: string
  mint(request: MintRequest): Promise<string>
  /** `host:port` for GCE_METADATA_HOST, where google-auth-library finds the account `email`. */
  metadataHost(email: string): Promise<string>
  /** Signs with a new key from now on; the old ones stay published. */
  rotate(): void
  /** Publishes the newest key only. */
  retire(): void
  close(): Promise<void>
}

type SigningKey = { kid: string; privateKey: KeyObject; publicKey: KeyObject }

/** Starts an issuer on 127.0.0.1; without `port` on a free one. */
export async function startIssuer(options: { port?: number; clock?: () => Date } = {}): Promise<Issuer> {
  const { port = 0, clock = () => new Date() } = options
  const keys: [SigningKey, ...SigningKey[]] = [createKey()]

  const mint: Issuer['mint'] = ({ audience, email, overrides = {} }) => {
    const { claims, header, lifetimeSeconds = LIFETIME_SECONDS, alg = 'RS256' } = overrides
    const now = Math.floor(clock().getTime() / 1_000)
    const sub = subjectOf(email)
    const genuine = {
      iss: url,
      aud: audience,
      azp: sub,
      sub,
      email,
      email_verified: true,
      iat: now,
      exp: now + lifetimeSeconds
    }
    return sign({ ...genuine, ...claims }, { key: keys[0], header, alg })
  }
  const answer = async (request: URL): Promise<Answer> => {
    if (request.pathname === '/jwks') return { json: { keys: await Promise.all(keys.map(publish)) } }
    if (request.pathname !== '/token') return { status: 404, text: `No ${request.pathname} here` }
    const audience = request.searchParams.get('audience')
    const email = request.searchParams.get('email')
    if (!audience || !email) return { status: 400, text: 'audience and email are required' }
    const token = await mint({ audience, email })
    return { text: token, json: { token, expires_in: LIFETIME_SECONDS } }
  }

  const main = await listen({ port, answer })
  const url = main.url
  const listeners = [main]
  return {
    url,
    jwksUrl: `${url}/jwks`,
    tokenUrl: `${url}/token`,
    mint,
    async metadataHost(email) {
      const listener = await listen({
        port: 0,
        answer: createMetadata({ email, mint }),
        headers: { 'metadata-flavor': 'Google' }
      })
      listeners.push(listener)
      return new URL(listener.url).host
    },
    rotate: () => void keys.unshift(createKey()),
    retire: () => void keys.splice(1),
    async close() {
      await Promise.all(listeners.map(listener => listener.close()))
    }
  }
}

/** What google-auth-library asks of a metadata server to find itself on Google Cloud and to get ID tokens. */
function createMetadata({ email, mint }: { email: string; mint: Issuer['mint'] }) {
  return async (request: URL, headers: IncomingMessage['headers']): Promise<Answer> => {
    if (headers['metadata-flavor'] !== 'Google')
      return { status: 403, text: 'The header Metadata-Flavor: Google is required' }
    const path = request.pathname.replace(METADATA, '').replace(`/${email}/`, '/default/')
    const audience = request.searchParams.get('audience')
    if (path === '/instance') return { text: 'service-accounts/' }
    if (path === '/project/project-id') return { text: process.env.GOOGLE_CLOUD_PROJECT ?? 'local' }
    if (path === '/universe/universe-domain') return { text: 'googleapis.com' }
    if (path === '/instance/service-accounts/default/email') return { text: email }
    if (path !== '/instance/service-accounts/default/identity') return { status: 404, text: `No ${path} here` }
    if (!audience) return { status: 400, text: 'audience is required' }
    return { text: await mint({ audience, email }) }
  }
}

function createKey(): SigningKey {
  return { kid: randomUUID(), ...generateKeyPairSync('rsa', { modulusLength: 2_048 }) }
}

async function publish({ kid, publicKey }: SigningKey): Promise<JWK> {
  return { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' }
}

type SignOptions = {
  key: SigningKey
  header: Partial<JWTHeaderParameters> | undefined
  alg: 'RS256' | 'HS256' | 'none'
}

async function sign(claims: Record<string, unknown>, { key, header, alg }: SignOptions): Promise<string> {
  if (alg === 'none') return new UnsecuredJWT(claims).encode()
  const secret = createSecretKey(key.publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'utf8')
  const protectedHeader = { alg, kid: key.kid, typ: 'JWT', ...header }
  return new SignJWT(claims).setProtectedHeader(protectedHeader).sign(alg === 'HS256' ? secret : key.privateKey)
}

/** Google's subjects are 21 digits that never change for an account. */
function subjectOf(email: string): string {
  return BigInt(`0x${createHash('sha256').update(email).digest('hex')}`)
    .toString()
    .slice(0, 21)
}

type Answer = { status?: number; text?: string; json?: unknown }
type ListenOptions = {
  port: number
  headers?: Record<string, string>
  answer(request: URL, headers: IncomingMessage['headers']): Promise<Answer>
}

async function listen({ port, answer, headers }: ListenOptions): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    try {
      const found = await answer(new URL(request.url ?? '/', 'http://issuer'), request.headers)
      reply(response, { ...found, headers, wantsJson: request.headers.accept?.includes('application/json') ?? false })
    } catch (error) {
      reply(response, { status: 500, text: String(error), headers, wantsJson: false })
    }
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo // a TCP server that listens has one
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

type Reply = Answer & { headers: Record<string, string> | undefined; wantsJson: boolean }

function reply(response: ServerResponse, { status = 200, text, json, headers, wantsJson }: Reply): void {
  const asJson = json !== undefined && (wantsJson || text === undefined)
  response
    .writeHead(status, {
      ...headers,
      'content-type': asJson ? 'application/json' : 'text/plain',
      'cache-control': text === undefined ? 'public, max-age=300' : 'no-store'
    })
    .end(asJson ? JSON.stringify(json) : text)
}
