import { createHash, hash } from 'node:crypto'

/** What two messages of one fact may say differently: who was told what of it, not the fact. */
const ofTheMessage = new Set(['event_id', 'finality', 'incarnation', 'reverts', 'forced'])

/** The part of a topic's catalogue that says which fields an event has. */
type Declared = { events: readonly { type: string; body: { properties: object } }[] }

/** SHA-256, in hex, over what a fact says in its declared fields, whichever message told of it. Fields of a body are flat: RFC 8785 is sorting them. */
export function contentDigest(topic: Declared, body: Readonly<Record<string, unknown>>): string {
  const event = topic.events.find(({ type }) => type === body.event_type)
  const names = Object.keys(event?.body.properties ?? body).filter(name => !ofTheMessage.has(name))
  const said = names.sort().flatMap(name => (body[name] === undefined ? [] : [[name, body[name]]]))
  return hash('sha256', JSON.stringify(Object.fromEntries(said)), 'hex')
}

export type RangeDigests = { count: number; digest: string; content_digest: string; final_count: number }

/** Digests of a range that are made while its facts are read; they must be added in the order of their ids. */
export function createRangeDigests(): {
  /** `event_id`: of the message that said it to be final, if one came. */
  add(fact: { fact_id: string; content_digest: string; event_id: string | null }): void
  end(): RangeDigests
} {
  const [ids, contents] = [createHash('sha256'), createHash('sha256')]
  let count = 0
  let final_count = 0
  return {
    add({ fact_id, content_digest, event_id }) {
      const separator = count === 0 ? '' : '\n'
      ids.update(`${separator}${fact_id}`)
      contents.update(`${separator}${fact_id}:${content_digest}`)
      count += 1
      if (event_id !== null) final_count += 1
    },
    end: () => ({ count, digest: ids.digest('hex'), content_digest: contents.digest('hex'), final_count })
  }
}
