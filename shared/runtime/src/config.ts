import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { Value } from 'typebox/value'
import { PermanentError } from './errors.ts'

/** A deployable's settings, declared once: `readConfig` reads them, `envExample` prints them. */
export const defineConfig = <Properties extends TProperties>(properties: Properties): TObject<Properties> =>
  Type.Object(properties)

type Setting = { type?: string; default?: unknown; description?: string }

/** Reads the environment once; reports all faults together by name, never by value (it may be a secret). */
export function readConfig<Schema extends TObject>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>
): Static<Schema> {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  const required = new Set<string>(schema.required ?? [])
  for (const [name, property] of Object.entries(schema.properties)) {
    // JSON Schema's own keywords; TypeBox's static types don't expose them for a general TSchema.
    const setting = property as Setting
    const raw = env[name]
    if (raw === undefined || raw === '') {
      if (setting.default !== undefined) values[name] = setting.default
      else if (required.has(name)) faults.push(`${name} is missing: ${setting.description ?? 'it has no default'}`)
      continue
    }
    const value = setting.type === 'integer' && /^[0-9]{1,15}$/.test(raw) ? Number(raw) : raw
    if (Value.Check(property, value)) values[name] = value
    else faults.push(`${name} is not valid: ${setting.description ?? Value.Errors(property, value)[0]?.message}`)
  }
  if (faults.length > 0) throw new PermanentError(`configuration: ${faults.join('; ')}`)
  // Every property was checked one by one above; that is what Static says.
  return values as Static<Schema>
}

/** The text of a deployable's `.env.example`. */
export function envExample(schema: TObject): string {
  const required = new Set<string>(schema.required ?? [])
  const settings = Object.entries(schema.properties).map(([name, property]) => {
    const setting = property as Setting
    const needed = required.has(name) && setting.default === undefined
    return `# ${setting.description ?? ''}${needed ? ' (required)' : ''}\n${needed ? '' : '# '}${name}=${setting.default ?? ''}\n`
  })
  return settings.join('\n')
}
