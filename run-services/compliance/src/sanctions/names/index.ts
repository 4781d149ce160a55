import { entryKey, type NameMatch } from '../../kyc/kyc.ts'
import type { SanctionsList } from '../list.ts'
import type { NameIndex } from '../names.ts'
import { type Word, wordsOf } from './normalise.ts'
import { joinedText, scoreWords } from './score.ts'
import { createSoundIndex } from './sounds.ts'

/** Chosen on one half of a public set of pairs and measured on the other: names.test.ts. */
export const THRESHOLD = 0.835

type Entry = { name: string; list: string; words: Word[] }

/** An index over the names of a list, so that a name is compared with a few hundred of fifty thousand. */
export function createNameIndex(names: SanctionsList['names']): NameIndex {
  const entries: Entry[] = names.map(({ name, list }) => ({ name, list, words: wordsOf(name) }))
  const byJoined = new Map<string, Set<number>>()
  const sounds = createSoundIndex()
  for (const [index, { words }] of entries.entries()) {
    add(byJoined, joinedText(words), index)
    for (const { sound } of telling(words)) sounds.add(sound, index)
  }

  function candidates(words: readonly Word[]): Set<number> {
    const hits = new Map<number, number>()
    const wanted = telling(words)
    for (const { sound } of wanted) {
      for (const index of sounds.like(sound)) hits.set(index, (hits.get(index) ?? 0) + 1)
    }
    const found = new Set(byJoined.get(joinedText(words)))
    for (const [index, count] of hits) {
      const least = Math.min(wanted.length, telling(entries[index]?.words ?? []).length)
      if (count * 2 >= least) found.add(index)
    }
    return found
  }

  return {
    find(fullName, dismissed = []): NameMatch | undefined {
      const words = wordsOf(fullName)
      let best: NameMatch | undefined
      for (const index of candidates(words)) {
        const entry = entries[index]
        if (!entry || dismissed.includes(entryKey(entry))) continue
        const score = scoreWords(words, entry.words)
        if (score >= THRESHOLD && score > (best?.score ?? 0)) best = { name: entry.name, list: entry.list, score }
      }
      return best
    }
  }
}

/** The words by which a name is found: not its company's form or a title, unless it has nothing else. */
function telling(words: readonly Word[]): readonly Word[] {
  const full = words.filter(word => word.weight === 1)
  return full.length > 0 ? full : words
}

function add<Key, Value>(map: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const values = map.get(key)
  if (values) values.add(value)
  else map.set(key, new Set([value]))
}
