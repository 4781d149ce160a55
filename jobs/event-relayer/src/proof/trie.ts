import { bytesToHex } from './hex.ts'
import { keccak256 } from './keccak.ts'
import { createRlpWriter, type RlpWriter } from './rlp.ts'

type Key = { index: number; nibbles: string }
type Trie = { writer: RlpWriter; keys: readonly Key[]; writeValue(writer: RlpWriter, index: number): void }
/** The keys `from` … `to` − 1, all alike in their first `depth` nibbles. */
type Span = { from: number; to: number; depth: number }

const empty = { name: 'an empty item', bytes: 0 }
const path = { name: 'a path' }

/**
 * The root of the Merkle-Patricia trie that holds `count` values under the keys rlp(0) … rlp(count − 1), as a block's lists do.
 * `writeValue` writes the bytes of one value. https://ethereum.org/developers/docs/data-structures-and-encoding/patricia-merkle-trie/
 */
export function listRoot(count: number, writeValue: Trie['writeValue']): string {
  const writer = createRlpWriter()
  if (count === 0) writer.data('0x', empty)
  else writeNode({ writer, keys: sortedKeys(count), writeValue }, { from: 0, to: count, depth: 0 })
  return bytesToHex(keccak256(writer.view(0)))
}

/** No key begins another, so a branch never holds a value of its own. */
function sortedKeys(count: number): Key[] {
  const keys = Array.from({ length: count }, (_, index) => ({ index, nibbles: rlpOf(index) }))
  return keys.sort((a, b) => (a.nibbles < b.nibbles ? -1 : 1))
}

function rlpOf(index: number): string {
  if (index === 0) return '80'
  const digits = index.toString(16)
  const hex = digits.length % 2 === 0 ? digits : `0${digits}`
  return index < 0x80 ? hex : (0x80 + hex.length / 2).toString(16) + hex
}

function writeNode(trie: Trie, span: Span): void {
  const { writer, keys } = trie
  const since = writer.mark()
  const [first, last] = [keys[span.from], keys[span.to - 1]]
  if (!first || !last) throw new Error(`no keys in ${span.from} … ${span.to - 1}`)
  if (first === last) {
    trie.writeValue(writer, first.index)
    writer.string(since)
    writePath(writer, { nibbles: first.nibbles.slice(span.depth), leaf: true })
  } else {
    let depth = span.depth
    while (first.nibbles[depth] === last.nibbles[depth]) depth++
    if (depth === span.depth) writeChildren(trie, span)
    else {
      writeReference(trie, { ...span, depth })
      writePath(writer, { nibbles: first.nibbles.slice(span.depth, depth), leaf: false })
    }
  }
  writer.list(since)
}

function writeChildren(trie: Trie, { from, to, depth }: Span): void {
  const { writer, keys } = trie
  writer.data('0x', empty)
  let end = to
  for (const nibble of 'fedcba9876543210') {
    let begin = end
    while (begin > from && keys[begin - 1]?.nibbles[depth] === nibble) begin--
    if (begin === end) writer.data('0x', empty)
    else writeReference(trie, { from: begin, to: end, depth: depth + 1 })
    end = begin
  }
}

/** A node shorter than a hash stands in its parent itself. */
function writeReference(trie: Trie, span: Span): void {
  const since = trie.writer.mark()
  writeNode(trie, span)
  if (trie.writer.mark() - since >= 32) trie.writer.digest(since)
}

function writePath(writer: RlpWriter, { nibbles, leaf }: { nibbles: string; leaf: boolean }): void {
  const kind = leaf ? 2 : 0
  writer.data(nibbles.length % 2 === 0 ? `0x${kind}0${nibbles}` : `0x${kind + 1}${nibbles}`, path)
}
