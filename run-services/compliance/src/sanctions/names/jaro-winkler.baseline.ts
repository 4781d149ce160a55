/** Plain Jaro-Winkler similarity, from 0 to 1: what the matcher is measured against. */
export function jaroWinkler(a: string, b: string): number {
  if (a === b) return 1
  const reach = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1)
  const taken = new Set<number>()
  const left: string[] = []
  for (const [at, letter] of [...a].entries()) {
    for (let other = Math.max(0, at - reach); other <= Math.min(b.length - 1, at + reach); other++) {
      if (b[other] !== letter || taken.has(other)) continue
      taken.add(other)
      left.push(letter)
      break
    }
  }
  if (left.length === 0) return 0
  const right = [...taken].sort((one, two) => one - two).map(at => b[at])
  const swapped = left.filter((letter, at) => letter !== right[at]).length / 2
  const same = left.length
  const jaro = (same / a.length + same / b.length + (same - swapped) / same) / 3
  let prefix = 0
  while (prefix < 4 && prefix < a.length && a[prefix] === b[prefix]) prefix++
  return jaro + prefix * 0.1 * (1 - jaro)
}
