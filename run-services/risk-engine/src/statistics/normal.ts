import { Approximate, type Decimal } from '../decimal.ts'

/** Where Newton's steps and the series' terms end. */
const SMALLEST = new Approximate('1e-25')
const ROOT_OF_TWO_PI = Approximate.acos(-1).times(2).sqrt()

/** The density of the standard normal distribution. */
export const normalDensity = (x: Decimal): Decimal => new Approximate(x).pow(2).div(-2).exp().div(ROOT_OF_TWO_PI)

/** The value below which the standard normal distribution has this probability: 0.5 to 0.9999, right to 20 digits. */
export function normalQuantile(probability: Decimal): Decimal {
  let x = new Approximate(0)
  for (;;) {
    const density = normalDensity(x)
    const below = density.times(seriesOf(x)).plus('0.5')
    // The distribution is concave above its middle, so that each step ends below the quantile, and none overshoots.
    const step = new Approximate(probability).minus(below).div(density)
    x = x.plus(step)
    if (step.lt(SMALLEST)) return x
  }
}

/** x + x^3/3 + x^5/(3 5) + x^7/(3 5 7) + …: what lies between the middle and x, over the density. Marsaglia, Evaluating the Normal Distribution (2004). */
function seriesOf(x: Decimal): Decimal {
  const square = x.pow(2)
  let term = x
  let total = x
  for (let odd = 3; term.gt(SMALLEST); odd += 2) {
    term = term.times(square).div(odd)
    total = total.plus(term)
  }
  return total
}
