import { allowedEdits } from './score.ts'
import { edits } from './similarity.ts'

/** Finds who has a word that sounds like a given one, without comparing it with every word. */
export type SoundIndex = {
  add(sound: string, owner: number): void
  /** Owners of a word that is within the allowed edits. */
  like(sound: string): Set<number>
}

type Sound = { text: string; owners: number[] }

/** By pairs of neighbouring letters: words that are a few edits apart share most of theirs. */
export function createSoundIndex(): SoundIndex {
  const known = new Map<string, Sound>()
  const sounds: Sound[] = []
  const byGram = new Map<string, number[]>()

  return {
    add(text, owner) {
      const sound = known.get(text)
      if (sound) {
        if (sound.owners.at(-1) !== owner) sound.owners.push(owner)
        return
      }
      const made = { text, owners: [owner] }
      known.set(text, made)
      const id = sounds.push(made) - 1
      for (const gram of grams(text)) {
        const ids = byGram.get(gram)
        if (ids) ids.push(id)
        else byGram.set(gram, [id])
      }
    },
    like(text) {
      const shared = new Uint8Array(sounds.length)
      for (const gram of grams(text)) for (const id of byGram.get(gram) ?? []) shared[id] = (shared[id] ?? 0) + 1
      const owners = new Set<number>()
      shared.forEach((count, id) => {
        const other = count > 0 ? sounds[id] : undefined
        if (other && count >= gramsLeft(text, other.text) && isLike(text, other.text))
          for (const owner of other.owners) owners.add(owner)
      })
      return owners
    }
  }
}

function isLike(a: string, b: string): boolean {
  const limit = allowedEdits(a, b)
  return a === b || (limit > 0 && edits(a, b, limit) <= limit)
}

/** The ends included. */
function grams(text: string): Set<string> {
  const padded = `^${text}$`
  return new Set(Array.from({ length: padded.length - 1 }, (_, at) => padded.slice(at, at + 2)))
}

/** How many pairs two words share at least when they are within the allowed edits: each edit spoils three at most. */
const gramsLeft = (a: string, b: string): number =>
  Math.max(1, Math.min(a.length, b.length) + 1 - 3 * allowedEdits(a, b))
