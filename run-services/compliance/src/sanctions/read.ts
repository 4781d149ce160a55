import { hash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { PermanentError } from '@fusion-prime/runtime'
import { GoogleAuth } from 'google-auth-library'
import { convertSdn } from './sdn.ts'

/** Reads the text of the list, wherever it is. */
export type ReadList = () => Promise<string>

/** Below the shortest sensible interval between two readings. */
const TIMEOUT_MS = 30_000

// Drops a byte order mark, and refuses bytes that aren't UTF-8.
const decoder = new TextDecoder('utf-8', { fatal: true })

const STORAGE = 'https://storage.googleapis.com'
const loopback = ['127.0.0.1', 'localhost', '[::1]']

type Storage = { url: string; authorize: () => Promise<Headers> }

/**
 * How to read a list at a URL: `file:`, `https:`, `http:` on the loopback address, or `gs://<bucket>/<object>`. One that ends with `.csv` is
 * OFAC's own; it has no date, so it is as of the copy's last change, or of now where it is read from its publisher.
 */
export function createListReader(
  url: string,
  { storage, now = () => new Date(), timeoutMs = TIMEOUT_MS }: Options = {}
): ReadList {
  const read = within(timeoutMs, createReader(url, storage))
  if (!new URL(url).pathname.endsWith('.csv')) return async () => (await read()).text
  return async () => {
    const { text, changed } = await read()
    if (!changed && url.startsWith('gs:'))
      throw new Error(
        'nobody knows how old the copy is, since its server names no last change: use a list of the own form'
      )
    return convertSdn(text, { version: hash('sha256', text).slice(0, 16), asOf: changed ?? now() })
  }
}

type Options = { storage?: Storage; now?: () => Date; timeoutMs?: number }

/** `changed`: when the copy was made; undefined where the publisher itself answers. */
type Read = () => Promise<{ text: string; changed: Date | undefined }>

/** What never answers, like a metadata server that is asked for a token, would end all readings to come. */
const within =
  (timeoutMs: number, read: Read): Read =>
  async () => {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(reject, timeoutMs, new Error(`the list wasn’t read within ${timeoutMs} ms`))
    return Promise.race([read(), late]).finally(() => clearTimeout(timer))
  }

function createReader(url: string, storage?: Storage): Read {
  const { protocol, hostname } = URL.parse(url) ?? {}
  const [, bucket, object] = /^gs:\/\/([^/]+)\/(.+)$/.exec(url) ?? []
  if (bucket && object) {
    const { url: base, authorize } = storage ?? googleStorage()
    const media = `${base}/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(object)}?alt=media`
    return async () => download(media, await authorize())
  }
  if (protocol === 'file:' && hostname === '') {
    const path = fileURLToPath(url)
    return async () => ({ changed: (await stat(path)).mtime, text: decoder.decode(await readFile(path)) })
  }
  if (protocol === 'https:' || (protocol === 'http:' && hostname && loopback.includes(hostname)))
    return async () => ({ text: (await download(url)).text, changed: undefined })
  throw new PermanentError(
    'SANCTIONS_LIST_URL must be a file:, https: or gs://<bucket>/<object> URL, or http: on the loopback address'
  )
}

/** Cloud Storage with the service's own account, which needs storage.objects.get on the bucket. */
function googleStorage(): Storage {
  const auth = new GoogleAuth({ scopes: ['https://www.googleapis.com/auth/devstorage.read_only'] })
  return { url: STORAGE, authorize: () => auth.getRequestHeaders(STORAGE) }
}

async function download(url: string, headers = new Headers()): ReturnType<Read> {
  // A redirect could lead to a place that nobody configured.
  const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (response.status !== 200) throw new Error(`the list’s server answered ${response.status}`)
  const changed = Date.parse(response.headers.get('last-modified') ?? '')
  const text = decoder.decode(await response.arrayBuffer())
  return { text, changed: Number.isNaN(changed) ? undefined : new Date(changed) }
}
