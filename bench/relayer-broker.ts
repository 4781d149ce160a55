import { topicList } from '@fusion-prime/events'
import { createBroker } from '../shared/local/src/broker/broker.ts'

/* The local Pub/Sub with the catalogue's topics and nobody subscribed, in a process of its own; tells its parent its `host:port`. */
const [project = ''] = process.argv.slice(2)
const broker = await createBroker({ project, mintToken: async () => 'token' })
broker.applyCatalog({ topics: topicList, subscriptions: [] }, { endpoints: {} })
process.send?.(broker.host)
process.on('disconnect', () => process.exit())
