import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import pairs from '../../../test-vectors/name-pairs.json' with { type: 'json' }
import scripts from '../../../test-vectors/name-pairs-scripts.json' with { type: 'json' }
import { createNameIndex, THRESHOLD } from './index.ts'
import { jaroWinkler } from './jaro-winkler.baseline.ts'
import { plainName, wordsOf } from './normalise.ts'
import { scoreNames, scoreWords } from './score.ts'

type Pair = (typeof pairs)[number]
type Measured = { precision: number; recall: number; f1: number; matthews: number }

/** Pairs that chose the threshold, and pairs that measure it: apart by the hash of their ids. */
const isChosen = ({ id }: Pair): boolean => createHash('sha256').update(id).digest().readUInt32BE() % 2 === 0
const chosen = pairs.filter(isChosen)
const held = pairs.filter(pair => !isChosen(pair))

function measure(answers: readonly { says: boolean; is: boolean }[]): Measured {
  const count = (says: boolean, is: boolean) => answers.filter(one => one.says === says && one.is === is).length
  const [tp, fp, fn, tn] = [count(true, true), count(true, false), count(false, true), count(false, false)]
  const precision = tp / Math.max(1, tp + fp)
  const recall = tp / Math.max(1, tp + fn)
  const spread = Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
  return {
    precision,
    recall,
    f1: (2 * tp) / Math.max(1, 2 * tp + fp + fn),
    matthews: spread === 0 ? 0 : (tp * tn - fp * fn) / spread
  }
}

type Scored = { score: number; is: boolean }
const at = (scored: readonly Scored[], threshold: number): Measured =>
  measure(scored.map(({ score, is }) => ({ says: score >= threshold, is })))

/** The threshold with the best Matthews coefficient. */
function choose(scored: readonly Scored[]): number {
  const steps = Array.from({ length: 121 }, (_, step) => 0.4 + step * 0.005)
  return steps.reduce((best, step) => (at(scored, step).matthews > at(scored, best).matthews ? step : best))
}

const score = (rows: readonly Pair[], of: (a: string, b: string) => number): Scored[] =>
  rows.map(({ name1, name2, is_match }) => ({ score: of(name1, name2), is: is_match }))

const plain = (a: string, b: string): number => jaroWinkler(a.toLowerCase(), b.toLowerCase())

test('better than Jaro-Winkler, on pairs that did not choose the threshold', t => {
  const rows = [
    { matcher: 'ours', of: scoreNames },
    { matcher: 'Jaro-Winkler', of: plain }
  ].map(({ matcher, of }) => {
    const threshold = choose(score(chosen, of))
    return { matcher, threshold, ...at(score(held, of), threshold) }
  })
  const everyone = { matcher: 'yes to everything', threshold: 0, ...at(score(held, scoreNames), 0) }
  const shown = (value: string | number) => (typeof value === 'number' ? value.toFixed(3) : value).padEnd(18)
  t.diagnostic(`${chosen.length} pairs choose, ${held.length} measure`)
  t.diagnostic(['matcher', 'threshold', 'precision', 'recall', 'F1', 'Matthews'].map(shown).join(''))
  for (const row of [...rows, everyone]) t.diagnostic(Object.values(row).map(shown).join(''))

  const [ours, baseline] = rows
  assert.ok(ours && baseline)
  assert.ok(Math.abs(ours.threshold - THRESHOLD) < 1e-9, `the best threshold is ${ours.threshold}`)
  assert.ok(ours.f1 >= 0.77 && ours.precision >= 0.8 && ours.matthews >= 0.55)
  assert.ok(ours.f1 > baseline.f1 && ours.matthews > baseline.matthews)
})

test('the baseline is Jaro-Winkler', () => {
  assert.equal(jaroWinkler('MARTHA', 'MARHTA').toFixed(4), '0.9611')
  assert.equal(jaroWinkler('DIXON', 'DICKSONX').toFixed(4), '0.8133')
  assert.equal(jaroWinkler('A', 'B'), 0)
})

const foundAcrossScripts = scripts.filter(({ query, expected }) => scoreNames(query, expected) >= THRESHOLD)

test('names in other scripts', t => {
  for (const { query, expected } of scripts)
    t.diagnostic(`${scoreNames(query, expected).toFixed(2)} ${query} ${expected}`)
  // Arabic and Hebrew leave vowels out, and characters are read as Chinese: those need a dictionary, not letters.
  const found = foundAcrossScripts.map(({ expected }) => expected)
  for (const name of ['Vladimir Putin', 'Ivan Ivanov', 'Dmitry Medvedev']) assert.ok(found.includes(name), name)
})

const anyName = fc.constantFrom(...pairs.flatMap(({ name1, name2 }) => [name1, name2]))

test('the order of names, of words, case and accents change nothing', () => {
  fc.assert(
    fc.property(anyName, anyName, (a, b) => {
      assert.equal(scoreNames(a, b).toFixed(9), scoreNames(b, a).toFixed(9))
      assert.ok(scoreNames(a, b) >= 0 && scoreNames(a, b) <= 1)
      if (plainName(a) !== '') assert.equal(scoreNames(a, a), 1)
      assert.equal(scoreNames(a, b.toUpperCase().toLowerCase()), scoreNames(a, b.toLowerCase()))
      assert.equal(scoreNames(a.normalize('NFD'), b).toFixed(9), scoreNames(a.normalize('NFC'), b).toFixed(9))
    })
  )
  assert.equal(scoreNames('Müller, José', 'jose muller'), 1)
})

const index = createNameIndex(pairs.map(({ name2 }) => ({ name: name2, list: 'test' })))

test('the index finds whatever reading the whole list would find', () => {
  const listed = pairs.map(({ name2 }) => wordsOf(name2))
  for (const { name1 } of pairs) {
    const words = wordsOf(name1)
    const best = Math.max(...listed.map(other => scoreWords(words, other)))
    const found = index.find(name1)
    assert.equal(found?.score, best >= THRESHOLD ? best : undefined, name1)
  }
})

// npx node --test run-services/compliance/src/sanctions/names/names.test.ts prints what it takes.
test('of 50,000 names each is found, in milliseconds', t => {
  const words = [...new Set(pairs.flatMap(({ name1, name2 }) => [...wordsOf(name1), ...wordsOf(name2)]))]
  const word = (at: number): string => words[at % words.length]?.text ?? ''
  // Strides without a common divisor: hardly a pair of words comes twice.
  const names = Array.from(
    { length: 50_000 },
    (_, at) => `${word(at)} ${word(at * 31 + 7)} ${at % 2 ? word(at * 17) : ''}`
  )
  const builtAt = performance.now()
  const large = createNameIndex(names.map(name => ({ name, list: 'test' })))
  const foundAt = performance.now()
  const wanted = names.filter((_, at) => at % 500 === 0)
  for (const name of wanted) assert.equal(large.find(name)?.score, 1, name)
  const [build, find] = [foundAt - builtAt, (performance.now() - foundAt) / wanted.length]
  t.diagnostic(`50,000 names: the index takes ${Math.round(build)} ms, a name ${find.toFixed(1)} ms on average`)
})

test('a name of nothing, or of nothing but marks, is nobody', () => {
  for (const name of ['', ' ', '...', '!?']) assert.equal(index.find(name), undefined)
  assert.equal(createNameIndex([]).find('Ivan Ivanov'), undefined)
})
