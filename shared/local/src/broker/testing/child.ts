import { createBroker } from '../broker.ts'
import { PROJECT } from './support.ts'

/** A broker in a process of its own, to be killed. */
const broker = await createBroker({
  project: PROJECT,
  mintToken: async () => 'token',
  ...(process.argv[2] !== undefined && { dataDir: process.argv[2] })
})
process.send?.(broker.host)
