// Every call of Segment's client for Node: node segment_node.mjs <address> <write key>
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const client = new Analytics({ host, writeKey })
client.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})
client.track({ anonymousId: 'phone', event: 'Product Viewed', properties: { sku: 'espresso' } })
client.identify({ userId: 'anna', anonymousId: 'phone', traits: { firstName: 'Anna' } })
client.page({ userId: 'anna', category: 'Shop', name: 'Beans', properties: { path: '/beans' } })
client.screen({ userId: 'anna', name: 'Cart', properties: { total: 80 } })
client.group({ userId: 'anna', groupId: 'roasters', traits: { plan: 'pro' } })
client.alias({ userId: 'anna', previousId: 'card-17' })
await client.closeAndFlush()
