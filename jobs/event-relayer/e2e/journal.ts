import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A message as the broker took it. */
export type Published = { topic: string; key: string; attributes: Record<string, string>; data: string }

type Line = { op: 'publish'; to: string[]; key: string; attributes: Record<string, string>; data: string }

/** What the broker has written down, in the order of publishing. Its data is base64. */
export async function readJournal(dataDir: string): Promise<Published[]> {
  const lines = (await readFile(join(dataDir, 'journal.jsonl'), 'utf8')).split('\n').filter(Boolean)
  return lines
    .map((line): Line | { op: 'settle' | 'drop' } => JSON.parse(line))
    .flatMap(line => {
      if (line.op !== 'publish') return []
      const { to, key, attributes, data } = line
      const topic = to[0]?.split('/').at(-1) ?? 'no subscription'
      return { topic, key, attributes, data: Buffer.from(data, 'base64').toString() }
    })
}
