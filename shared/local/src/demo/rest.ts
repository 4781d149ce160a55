/** What a service answers, whatever it is. */
export type Answer = Record<string, unknown>

/** An object of a service, or undefined while it can't be had. */
export async function look(url: string): Promise<Answer | undefined> {
  try {
    const answer = await fetch(url)
    return answer.ok ? ((await answer.json()) as Answer) : undefined // services answer objects
  } catch {
    return undefined
  }
}

/** Asks a service to do something; throws with its own words when it refuses. */
export async function post(url: string, body: object): Promise<Answer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })
  if (!answer.ok) throw new Error(`POST ${url} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Answer // services answer objects
}

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
