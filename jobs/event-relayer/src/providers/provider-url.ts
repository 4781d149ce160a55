import { createHash } from 'node:crypto'

/** Names a provider in logs and answers: its place among the URLs, from 1, and its host. Nothing else of a URL is shown: a path, a user or a query may hold a key. */
export const providerId = (url: string, index: number): string => `${index + 1}:${new URL(url).host}`

/** Names a provider across runs, whatever its place: the host, and enough of the URL's SHA-256 to tell two keys apart. */
export const limitsKey = (url: string): string =>
  `${new URL(url).host}:${createHash('sha256').update(url).digest('hex').slice(0, 16)}`

/** Takes the parts of a URL that may be keys out of a provider's own words, and cuts those to 200 characters. */
export function redactor(url: string): (text: string) => string {
  const { username, password, pathname, searchParams } = new URL(url)
  const parts = [username, password, ...pathname.split('/'), ...searchParams.values()]
  const secrets = parts.flatMap(part => [part, decoded(part)]).filter(part => part.length >= MIN_KEY_LENGTH)
  return text => secrets.reduce((shown, secret) => shown.replaceAll(secret, '…'), text).slice(0, 200)
}

/** Shorter parts are words such as "rpc" or "mainnet", or too common to be taken out. */
const MIN_KEY_LENGTH = 8

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
