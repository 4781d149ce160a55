import { invalid } from './errors.ts'

export type Filter = (attributes: Readonly<Record<string, string>>) => boolean

/** Google's limit, in bytes of UTF-8. */
const MAX_FILTER_BYTES = 256

type Token = { text: string; at: number; kind: 'word' | 'string' | 'symbol' | 'end' }

const TOKEN = /\s*(?:(?<word>[A-Za-z0-9_][A-Za-z0-9_-]*)|(?<string>"(?:[^"\\]|\\.)*")|(?<symbol>!=|[=:.,()-]))/y

/**
 * Compiles a subscription's filter; the empty one matches all. As at Google, AND and OR may not be mixed without parentheses, and `!=`
 * is the negation of `=`, so it holds for messages without the attribute. Throws INVALID_ARGUMENT with the place of the fault.
 * https://cloud.google.com/pubsub/docs/subscription-message-filter
 */
export function parseFilter(source: string): Filter {
  if (source.trim() === '') return () => true
  const bytes = Buffer.byteLength(source)
  if (bytes > MAX_FILTER_BYTES) throw invalid(`Filter of ${bytes} bytes: at most ${MAX_FILTER_BYTES}. Shorten it.`)
  const tokens = tokenize(source)
  let position = 0

  const peek = () => tokens[position] as Token // the last token is the end, which is never passed
  const refuse = (wanted: string) =>
    invalid(
      `Filter '${source}': expected ${wanted} at character ${peek().at + 1}, found '${peek().text || 'the end'}'.`
    )

  function accept(text: string): boolean {
    const token = peek()
    if (token.kind === 'string' || token.text !== text) return false
    position++
    return true
  }
  function expect(text: string) {
    if (!accept(text)) throw refuse(`'${text}'`)
  }
  function literal(): string {
    const token = peek()
    if (token.kind !== 'string') throw refuse('a string in double quotes')
    position++
    return unquote(token.text, source)
  }
  function key(): string {
    const token = peek()
    if (token.kind === 'string') return literal()
    if (token.kind !== 'word') throw refuse("an attribute's key")
    position++
    return token.text
  }

  function expression(): Filter {
    const first = term()
    const operator = ['AND', 'OR'].find(accept)
    if (!operator) return first
    const terms = [first, term()]
    while (accept(operator)) terms.push(term())
    if (peek().text === 'AND' || peek().text === 'OR') throw refuse('parentheses where AND and OR are mixed')
    return operator === 'AND'
      ? attributes => terms.every(matches => matches(attributes))
      : attributes => terms.some(matches => matches(attributes))
  }

  function term(): Filter {
    if (accept('NOT') || accept('-')) {
      const negated = term()
      return attributes => !negated(attributes)
    }
    if (accept('(')) {
      const inner = expression()
      expect(')')
      return inner
    }
    if (accept('hasPrefix')) return prefix()
    return comparison()
  }

  function prefix(): Filter {
    for (const part of ['(', 'attributes', '.']) expect(part)
    const name = key()
    expect(',')
    const start = literal()
    expect(')')
    return attributes => Object.hasOwn(attributes, name) && attributes[name]?.startsWith(start) === true
  }

  function comparison(): Filter {
    expect('attributes')
    if (accept(':')) {
      const name = key()
      return attributes => Object.hasOwn(attributes, name)
    }
    expect('.')
    const name = key()
    const operator = ['=', '!='].find(accept)
    if (!operator) throw refuse("'=' or '!='")
    const value = literal()
    const equals: Filter = attributes => Object.hasOwn(attributes, name) && attributes[name] === value
    return operator === '=' ? equals : attributes => !equals(attributes)
  }

  const filter = expression()
  if (peek().kind !== 'end') throw refuse('the end, AND or OR')
  return filter
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  const text = source.trimEnd()
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const start = TOKEN.lastIndex
    const found = TOKEN.exec(text)
    if (!found?.groups) throw invalid(`Filter '${source}': can't read '${text.slice(start)}'.`)
    const { word, string, symbol } = found.groups
    const token = word ?? string ?? symbol ?? ''
    const at = TOKEN.lastIndex - token.length
    if (word !== undefined) tokens.push({ text: word, at, kind: 'word' })
    else if (string !== undefined) tokens.push({ text: string, at, kind: 'string' })
    else tokens.push({ text: token, at, kind: 'symbol' })
  }
  return [...tokens, { text: '', at: text.length, kind: 'end' }]
}

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-3][0-7]{2})|(.))/g
const CONTROL: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', "'": "'" }

function unquote(quoted: string, source: string): string {
  return quoted.slice(1, -1).replace(ESCAPE, (written, unicode, hex, octal, letter) => {
    if (unicode ?? hex) return String.fromCharCode(Number.parseInt(unicode ?? hex, 16))
    if (octal) return String.fromCharCode(Number.parseInt(octal, 8))
    const character = CONTROL[letter]
    if (character === undefined) throw invalid(`Filter '${source}': unknown escape '${written}'.`)
    return character
  })
}
