import { PermanentError } from '@fusion-prime/runtime'

/**
 * Public endpoints by chain id. They are free, limited and nobody's duty, and often two names of one operator's nodes:
 * that they agree proves nothing about their honesty, so money needs at least one provider of one's own.
 */
const PUBLIC: Readonly<Record<number, readonly string[]>> = {
  1: ['https://ethereum-rpc.publicnode.com', 'https://eth.drpc.org', 'https://1rpc.io/eth'],
  11155111: ['https://ethereum-sepolia-rpc.publicnode.com', 'https://sepolia.drpc.org', 'https://1rpc.io/sepolia'],
  8453: ['https://mainnet.base.org', 'https://base-rpc.publicnode.com', 'https://base.drpc.org']
}

/**
 * The URLs that a setting such as RPC_URLS names, the word `public` being those of the chain's public endpoints.
 * Throws a PermanentError that says which entry is at fault, never what stands in it: it may hold a key.
 */
export function resolveUrls(text: string, chainId: number, setting = 'RPC_URLS'): string[] {
  const entries = text.split(',').map(entry => entry.trim())
  const urls = new Set<string>()
  for (const [index, entry] of entries.entries()) {
    if (entry === 'public') continue
    const url = parseUrl(entry, `entry ${index + 1} of ${setting}`)
    if (urls.has(url)) {
      const message = `entry ${index + 1} of ${setting} is there twice: one provider would be taken for two that agree; name it once`
      throw new PermanentError(message)
    }
    urls.add(url)
  }
  if (entries.includes('public')) for (const url of publicUrls({ chainId, setting })) urls.add(new URL(url).href)
  return [...urls]
}

function publicUrls({ chainId, setting }: { chainId: number; setting: string }): readonly string[] {
  const urls = PUBLIC[chainId]
  if (urls) return urls
  const known = Object.keys(PUBLIC).join(', ')
  throw new PermanentError(`${setting}: no public endpoints are known of chain ${chainId}, only of ${known}: name URLs`)
}

function parseUrl(entry: string, where: string): string {
  const url = URL.parse(entry)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href
  const fault = url ? `has the scheme ${url.protocol}//, which isn't spoken here` : 'is not a URL'
  throw new PermanentError(`${where} ${fault}: use http:// or https:// and a host`)
}
