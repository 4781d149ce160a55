import anyAscii from 'any-ascii'

/** Forms of companies and words of their kind, written in many ways: what they say is little, so they weigh little. */
const forms: Readonly<Record<string, readonly string[]>> = {
  limited: [
    'ltd',
    'limited',
    'ltda',
    'limitada',
    'limitata',
    'raspundere',
    'societatea',
    'srl',
    'sarl',
    'gmbh',
    'ooo',
    'llc',
    'bv',
    'bvba',
    'sl'
  ],
  stock: [
    'ag',
    'aktiengesellschaft',
    'sa',
    'spa',
    'nv',
    'oao',
    'pao',
    'ao',
    'zao',
    'jsc',
    'pjsc',
    'ojsc',
    'sas',
    'plc',
    'ab',
    'oy',
    'oyj',
    'asa',
    'kk'
  ],
  corporation: ['inc', 'incorporated', 'corp', 'corporation', 'co', 'company', 'cie'],
  group: ['group', 'gruppe', 'groupe', 'grupo', 'gruppo', 'holding', 'holdings'],
  and: ['and', 'und', 'et', 'y', 'e']
}
const formOf: ReadonlyMap<string, string> = new Map(
  Object.entries(forms).flatMap(([form, words]) => words.map(word => [word, form] as const))
)
/** Several words that are one form. */
const phrases: readonly (readonly [RegExp, string])[] = [
  [/\b(public )?(open |closed )?joint[ -]stock company\b/g, 'jsc'],
  [/\bpublic limited company\b/g, 'plc'],
  [/\blimited liability company\b/g, 'llc'],
  [/\bpublic joint stock\b/g, 'pjsc'],
  [/\bsociet(atea|e|a|y) (cu|a|com|with) (raspundere|responsabilite|responsabilita) (limitata|limitee)\b/g, 'srl'],
  [/\bgesellschaft mit beschrankter haftung\b/g, 'gmbh'],
  [/\bnaamloze vennootschap\b/g, 'nv']
]
/** Say nothing of who it is. */
const titles = new Set([
  'mr',
  'mrs',
  'ms',
  'dr',
  'prof',
  'sir',
  'the',
  'haji',
  'hajji',
  'mullah',
  'sheikh',
  'shaikh',
  'shaykh'
])

/** A word of a name: how it is compared, and how much it says (0 to 1). */
export type Word = { text: string; sound: string; weight: number }

const FORM_WEIGHT = 0.25
const TITLE_WEIGHT = 0.1

/** A name in lower-case ASCII letters, digits and single blanks, whatever its script, case, accents and marks. */
export function plainName(name: string): string {
  const ascii = anyAscii(name.normalize('NFKC'))
    .toLowerCase()
    .replaceAll(/['’`"]/g, '')
    // A.B.C. is one word, as ABC is.
    .replaceAll(/\b([a-z])\.(?=[a-z]\b)/g, '$1')
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim()
  return phrases.reduce((text, [phrase, form]) => text.replaceAll(phrase, form), ascii)
}

/** The words of a name. */
export function wordsOf(name: string): Word[] {
  return plainName(name)
    .split(' ')
    .filter(text => text !== '')
    .map(text => {
      const form = formOf.get(text)
      if (form !== undefined) return { text: form, sound: form, weight: FORM_WEIGHT }
      return { text, sound: soundOf(text), weight: titles.has(text) ? TITLE_WEIGHT : 1 }
    })
}

/** How a word sounds, roughly: spellings of one sound in Latin letters, whatever script it came from, are one. */
function soundOf(word: string): string {
  return word
    .replace(/^(mohamm?[ae]d|muhamm?[ae]d|mohammad|mohamad|mehmet|mahomed|mhmd)$/, 'muhamad')
    .replaceAll('ph', 'f')
    .replaceAll('kh', 'h')
    .replaceAll('gh', 'g')
    .replaceAll('ck', 'k')
    .replaceAll('dj', 'j')
    .replaceAll('dzh', 'j')
    .replaceAll(/sch|sh|zh/g, 's')
    .replaceAll(/tch|tsch|ch/g, 'c')
    .replaceAll(/oo|ou|ow/g, 'u')
    .replaceAll(/ee|ie|iy|yi|ij|ii|ei/g, 'i')
    .replaceAll(/[yj]/g, 'i')
    .replaceAll('w', 'v')
    .replaceAll('q', 'k')
    .replaceAll('x', 'ks')
    .replaceAll('z', 's')
    .replaceAll('e', 'a')
    .replaceAll('o', 'u')
    .replaceAll(/(.)\1+/g, '$1')
    .replace(/h$/, '')
}
