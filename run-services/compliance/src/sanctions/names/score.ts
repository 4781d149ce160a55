import { type Word, wordsOf } from './normalise.ts'
import { edits } from './similarity.ts'

/** What a pair of words counts that isn't the same word. */
const SAME_SOUND = 0.95
const ONE_EDIT = 0.88
const TWO_EDITS = 0.75
const INITIAL = 0.7
/** A name whose words are run together differently. */
const JOINED = 0.93
/** A word that only one of the names has is often left out; two that differ contradict each other. */
const EXTRA = 0.3
const CONFLICT = 1.6

/** Edits that one word may be away from another and still be it: none below 4 letters, two from 8 on. */
export function allowedEdits(a: string, b: string): number {
  const longest = Math.max(a.length, b.length)
  if (longest < 4) return 0
  return longest < 8 ? 1 : 2
}

/** 0 for another word, 1 for the same one. */
function wordSimilarity(a: Word, b: Word): number {
  if (a.text === b.text) return 1
  if (a.text.length === 1 || b.text.length === 1) return a.text[0] === b.text[0] ? INITIAL : 0
  if (a.sound === b.sound) return SAME_SOUND
  const limit = allowedEdits(a.text, b.text)
  if (limit === 0) return 0
  const found = Math.min(edits(a.text, b.text, limit), edits(a.sound, b.sound, limit))
  if (found > limit) return 0
  return found === 1 ? ONE_EDIT : TWO_EDITS
}

/** How alike two names are, from 0 to 1, whatever the order of their words. */
export function scoreWords(left: readonly Word[], right: readonly Word[]): number {
  const pairs = left.flatMap((a, row) =>
    right.map((b, column) => ({ a, b, similarity: wordSimilarity(a, b), distance: Math.abs(row - column) }))
  )
  pairs.sort((one, other) => other.similarity - one.similarity || one.distance - other.distance)
  const free = new Set([...left, ...right])
  let alike = 0
  let paired = 0
  for (const { a, b, similarity } of pairs) {
    if (similarity === 0) break
    if (!free.has(a) || !free.has(b)) continue
    free.delete(a)
    free.delete(b)
    const weight = (a.weight + b.weight) / 2
    alike += weight * similarity
    paired += weight
  }
  const over = (words: readonly Word[]) => words.reduce((sum, word) => sum + (free.has(word) ? word.weight : 0), 0)
  const [overLeft, overRight] = [over(left), over(right)]
  const against = Math.min(overLeft, overRight) * CONFLICT + Math.abs(overLeft - overRight) * EXTRA
  const byWords = paired === 0 ? 0 : alike / (paired + against)
  return Math.max(byWords, areJoined(left, right) ? JOINED : 0)
}

export const joinedText = (words: readonly Word[]): string => words.map(word => word.text).join('')

/** `PolPot` and `Pol Pot`. */
const areJoined = (left: readonly Word[], right: readonly Word[]): boolean =>
  left.length !== right.length && joinedText(left) === joinedText(right)

/** How alike two names are, from 0 to 1. */
export const scoreNames = (a: string, b: string): number => scoreWords(wordsOf(a), wordsOf(b))
