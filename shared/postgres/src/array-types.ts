import type postgres from 'postgres'

/*
 * The driver can ask each new connection for its array types, but drops that promise: a connection lost meanwhile would
 * be an unhandled rejection, which ends the process. The oids of built-in types never change, so they stand here.
 */
const ARRAY_OF: [element: number, array: number][] = [
  [16, 1000], // bool
  [17, 1001], // bytea
  [18, 1002], // "char"
  [19, 1003], // name
  [20, 1016], // int8
  [21, 1005], // int2
  [23, 1007], // int4
  [25, 1009], // text
  [26, 1028], // oid
  [114, 199], // json
  [701, 1022], // float8
  [1043, 1015], // varchar
  [1184, 1185], // timestamptz
  [1700, 1231], // numeric
  [2950, 2951], // uuid
  [3802, 3807] // jsonb
]

type Options = postgres.ParsedOptions & { shared: { typeArrayMap: Record<number, number> } }

/** Teaches a pool of the driver the arrays of built-in types. */
export function installArrayTypes(pool: postgres.Sql): void {
  const { parsers, serializers, shared } = pool.options as Options // the driver's typings leave `shared` out
  for (const [element, array] of ARRAY_OF) {
    const parse = parsers[element] ?? (text => text)
    const serialize = serializers[element] ?? String
    parsers[array] = text => parseArray(text, parse)
    serializers[array] = value => (Array.isArray(value) ? serializeArray(value, serialize) : value)
    shared.typeArrayMap[element] = array
  }
}

export function serializeArray(values: readonly unknown[], serialize: (value: unknown) => unknown): string {
  const items = values.map(value => {
    if (value === null) return 'null'
    if (Array.isArray(value)) return serializeArray(value, serialize)
    const text = String(serialize(value))
    return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`
  })
  return `{${items.join(',')}}`
}

/** Reads PostgreSQL's text form of an array: `{a,"b, \"c\"",NULL,{d}}`. */
export function parseArray(text: string, parse: (item: string) => unknown): unknown[] {
  let at = text.indexOf('{')

  function list(): unknown[] {
    const items: unknown[] = []
    for (at += 1; at < text.length && text[at] !== '}'; ) {
      if (text[at] === ',') at += 1
      else items.push(text[at] === '{' ? list() : item())
    }
    at += 1
    return items
  }

  function item(): unknown {
    const quoted = /"((?:[^"\\]|\\.)*)"/sy
    const bare = /[^,}]+/y
    quoted.lastIndex = bare.lastIndex = at
    const inQuotes = quoted.exec(text)
    const [whole = ''] = inQuotes ?? bare.exec(text) ?? []
    at += whole.length
    if (inQuotes) return parse((inQuotes[1] ?? '').replace(/\\(.)/gs, '$1'))
    return whole === 'NULL' ? null : parse(whole)
  }

  return list()
}
