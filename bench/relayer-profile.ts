import { readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What of V8's .cpuprofile is read. Deltas in microseconds. */
export type CpuProfile = {
  nodes: readonly { id: number; callFrame: CallFrame }[]
  samples: readonly number[]
  timeDeltas: readonly number[]
}

type CallFrame = { functionName: string; url: string; lineNumber: number }

/** Time spent in it, without what it called; `share` of all but idle time. */
export type SelfTime = { name: string; milliseconds: number; share: number }

/** By function, and by package or folder: those with the most time, from the longest. */
export type Profile = { functions: SelfTime[]; parts: SelfTime[] }

const FUNCTIONS = 30
const PARTS = 15

export const summarize = (profile: CpuProfile): Profile => ({
  functions: selfTimes(profile, nameOf).slice(0, FUNCTIONS),
  parts: selfTimes(profile, partOf).slice(0, PARTS)
})

/** Idling isn't counted. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile, name: (frame: CallFrame) => string): SelfTime[] {
  const names = new Map(
    nodes.filter(({ callFrame }) => callFrame.functionName !== '(idle)').map(node => [node.id, name(node.callFrame)])
  )
  const totals = new Map<string, number>()
  let busy = 0
  for (const [index, id] of samples.entries()) {
    const name = names.get(id)
    if (name === undefined) continue
    const milliseconds = (timeDeltas[index] ?? 0) / 1_000
    totals.set(name, (totals.get(name) ?? 0) + milliseconds)
    busy += milliseconds
  }
  return [...totals]
    .map(([name, milliseconds]) => ({ name, milliseconds, share: milliseconds / busy }))
    .sort((a, b) => b.milliseconds - a.milliseconds)
}

/** Function and place. */
export const nameOf = ({ functionName, url, lineNumber }: CallFrame): string =>
  [functionName || '(anonymous)', ...(url === '' ? [] : [`${shorten(url)}:${lineNumber + 1}`])].join('  ')

/** The package or the project's folder; Node's own modules by their first name, what runs in V8 itself by its own. */
export function partOf({ functionName, url }: CallFrame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)'
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/')
  const path = shorten(url)
  if (!url.includes(MODULES)) return dirname(path)
  return path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Reads and removes the one profile in a folder. */
export async function takeProfile(folder: string): Promise<CpuProfile> {
  const [name] = (await readdir(folder)).filter(file => file.endsWith('.cpuprofile'))
  if (name === undefined) throw new Error(`the relayer left no profile in ${folder}`)
  const text = await readFile(join(folder, name), 'utf8')
  await rm(join(folder, name))
  // Written by V8.
  return JSON.parse(text) as CpuProfile
}

const MODULES = '/node_modules/'
const root = new URL('..', import.meta.url).href

/** A file of a package from the package's name, another one from the project's root. */
function shorten(url: string): string {
  const modules = url.lastIndexOf(MODULES)
  if (modules >= 0) return url.slice(modules + MODULES.length)
  return url.startsWith(root) ? url.slice(root.length) : url
}
