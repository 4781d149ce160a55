import type { Fault } from './fault.ts'

const always = (instead: ReturnType<NonNullable<Fault['request']>>): Fault => ({ request: () => instead })
const html = (title: string) => `<html>\r\n<head><title>${title}</title></head>\r\n<body></body>\r\n</html>\r\n`

/** Longer than any answer takes, shorter than a test may. */
const SILENT_MS = 4_000

const rateLimit = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  error: { code: -32005, message: 'project ID request rate exceeded' }
})

/** What happens on the way. */
export const httpFaults = {
  rate_limited: {
    request: () => ({ status: 429, headers: { 'retry-after': '1' }, body: rateLimit })
  },
  rate_limited_until_a_date: {
    request: () => ({
      status: 429,
      headers: { 'retry-after': new Date(Date.now() + 1_000).toUTCString() },
      body: 'error code: 1015'
    })
  },
  silence: always({ silentMs: SILENT_MS }),
  bad_gateway: always({ status: 502, headers: { 'content-type': 'text/html' }, body: html('502 Bad Gateway') }),
  unavailable: always({ status: 503, body: 'Service Unavailable' }),
  connection_reset: always({ reset: true }),
  empty_body: always({ status: 200, body: '' }),
  truncated_json: { body: text => text.slice(0, Math.ceil(text.length / 2)) },
  wrong_id: { body: text => text.replace(/"id":[^,}]+/, '"id":987654321') },
  batch_refused: {
    request: (_, { batch }) =>
      batch
        ? {
            status: 400,
            body: JSON.stringify({
              jsonrpc: '2.0',
              id: null,
              error: { code: -32600, message: 'batch requests are not supported' }
            })
          }
        : undefined
  },
  /** Allowed by JSON-RPC; who takes the answers in the order of the calls mixes them up. */
  batch_answered_backwards: {
    body(text) {
      const answers: unknown = JSON.parse(text)
      return Array.isArray(answers) && answers.length > 1 ? JSON.stringify(answers.toReversed()) : text
    }
  }
} satisfies Record<string, Fault>
