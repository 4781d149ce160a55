/** The last three rows of the table, kept between calls: one name is compared with thousands of words. */
let older: number[] = []
let above: number[] = []
let current: number[] = []

/** Edits (insert, delete, change, swap of neighbours) from one text to another; stops counting above `limit`. */
export function edits(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  for (let column = 0; column <= b.length; column++) above[column] = column
  for (let row = 1; row <= a.length; row++) {
    current[0] = row
    let fewest = row
    for (let column = 1; column <= b.length; column++) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1
      let least = Math.min(at(above, column) + 1, at(current, column - 1) + 1, at(above, column - 1) + change)
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        least = Math.min(least, at(older, column - 2) + 1)
      current[column] = least
      fewest = Math.min(fewest, least)
    }
    if (fewest > limit) return limit + 1
    ;[older, above, current] = [above, current, older]
  }
  return at(above, b.length)
}

const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY
