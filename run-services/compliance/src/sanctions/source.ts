import type { Log } from '@fusion-prime/runtime'
import { hasShrunk, parseSanctionsList, type SanctionsList, unusable } from './list.ts'

export type SanctionsSource = {
  /** The list in force; undefined while there is none that may be used, so that nobody passes as clear. */
  current(): SanctionsList | undefined
  /** Why there is a list in force or not, for operators. */
  status(): { usable: boolean; reason: string | null; version: string | null; as_of: string | null }
  /** Reads the list anew; never fails. A list that is broken leaves the last good one in force until that is too old. */
  refresh(): Promise<void>
  /** Refreshes at once and then at an interval, in the background, each time followed by `then`, which never fails; answers how to stop. */
  keepFresh(seconds: number, then?: () => Promise<unknown>): () => void
}

export function createSanctionsSource(deps: {
  read: () => Promise<string>
  maxAgeHours: number
  now: () => Date
  log: Log
}): SanctionsSource {
  const { read, maxAgeHours, now, log } = deps
  let held: SanctionsList | undefined
  let fault: string | undefined = 'the list was not read yet'
  let reading: Promise<void> | undefined
  /** The list that was refused last, because it had lost most of its entries. */
  let suspect: string | undefined

  const objection = (): string | undefined => (held ? unusable(held, { now: now(), maxAgeHours }) : fault)

  function take(list: SanctionsList): void {
    if (held && hasShrunk(list, held)) {
      const lost = `version ${list.version} has less than half of the addresses, names or both of ${held.version}`
      if (suspect !== list.sha256) {
        suspect = list.sha256
        throw new Error(`${lost}: it is taken if the next reading finds the same`)
      }
      log.error({ reason: lost }, 'sanctions_list_shrunk')
    }
    suspect = undefined
    if (list.sha256 !== held?.sha256) {
      const { version, asOf: as_of, addresses, names } = list
      log.info({ version, as_of, addresses: addresses.size, names: names.length }, 'sanctions_list_loaded')
    }
    held = list
  }

  /** Answers what went wrong, in words that anybody may read. */
  async function load(): Promise<string | undefined> {
    let fault = 'the list can’t be read'
    try {
      const text = await read()
      fault = 'the list is broken'
      take(parseSanctionsList(text))
      return undefined
    } catch (error) {
      log.error({ error }, 'sanctions_list_refused')
      return fault
    }
  }

  async function refresh(): Promise<void> {
    fault = await load()
    const reason = objection()
    if (reason !== undefined) log.error({ reason }, 'sanctions_list_unusable')
  }

  const source: SanctionsSource = {
    current: () => (objection() === undefined ? held : undefined),
    status() {
      const reason = objection()
      return {
        usable: reason === undefined,
        reason: reason ?? fault ?? null,
        version: held?.version ?? null,
        as_of: held?.asOf.toISOString() ?? null
      }
    },
    refresh() {
      reading ??= refresh().finally(() => {
        reading = undefined
      })
      return reading
    },
    keepFresh(seconds, then) {
      const round = () => void source.refresh().then(then)
      round()
      const timer = setInterval(round, seconds * 1_000).unref()
      return () => clearInterval(timer)
    }
  }
  return source
}
