import { compliance } from '@fusion-prime/compliance'
import { startRelayer } from '@fusion-prime/event-relayer/start'
import { startService } from '@fusion-prime/http'
import { startPriceOracle } from '@fusion-prime/price-oracle/start'
import { riskEngine } from '@fusion-prime/risk-engine'
import { createLog, PermanentError, run } from '@fusion-prime/runtime'
import { settlement } from '@fusion-prime/settlement'

/** The modular monolith: the same deployables, each with the environment that it would have alone, in one process. */
type Environments = Record<string, Record<string, string>>

function readEnvironments(): Environments {
  if (!process.env.DEPLOYABLES)
    throw new PermanentError('DEPLOYABLES is missing: JSON of the form {"<deployable>": {"<setting>": "<value>"}}')
  return JSON.parse(process.env.DEPLOYABLES)
}

await run(createLog('one-process'), async () => {
  const environments = readEnvironments()
  const part = (name: string) => ({ env: environments[name] ?? {}, log: createLog(name) })
  const stops = await Promise.all([
    startService(settlement, part('settlement')),
    startService(riskEngine, part('risk-engine')),
    startService(compliance, part('compliance')),
    startRelayer(part('event-relayer')),
    startPriceOracle(part('price-oracle'))
  ])
  return async () => {
    await Promise.all(stops.map(stop => stop()))
  }
})
