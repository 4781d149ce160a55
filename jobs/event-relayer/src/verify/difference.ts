type Table = 'checkpoint' | 'block' | 'raw_log' | 'fact' | 'escrow' | 'manifest' | 'outbox'

/** Something that the database says otherwise than the chain does; `stored` and `chain` name the fields that differ, or nothing. */
export type Difference = {
  kind: `${Table}_${'missing' | 'extra' | 'differs'}`
  block_number: number
  fact_id: string | null
  stored: string
  chain: string
}

export const NOTHING = 'nothing'

type Fields = Readonly<Record<string, unknown>>

/** The fields in which two records differ, as text of either side; undefined where they agree. Values are texts, numbers, booleans and null. */
export function differing(stored: Fields, chain: Fields): { stored: string; chain: string } | undefined {
  const names = [...new Set([...Object.keys(stored), ...Object.keys(chain)])]
  const different = names.filter(name => stored[name] !== chain[name])
  if (different.length === 0) return undefined
  const say = (side: Fields) => different.map(name => `${name}=${JSON.stringify(side[name] ?? null)}`).join(' ')
  return { stored: say(stored), chain: say(chain) }
}
