// Every call of RudderStack's client for Node, packed: node rudderstack_node.cjs <address> <write key>
const Analytics = require('@rudderstack/rudder-sdk-node')

const [dataPlaneUrl, writeKey] = process.argv.slice(2)
const client = new Analytics(writeKey, { dataPlaneUrl, gzip: true })
client.track({ anonymousId: 'phone', event: 'Product Viewed', properties: { sku: 'espresso' } })
client.identify({ userId: 'anna', anonymousId: 'phone', traits: { firstName: 'Anna' } })
client.page({ userId: 'anna', category: 'Shop', name: 'Beans', properties: { path: '/beans' } })
client.screen({ userId: 'anna', name: 'Cart', properties: { total: 80 } })
client.group({ userId: 'anna', groupId: 'roasters', traits: { plan: 'pro' } })
client.alias({ userId: 'anna', previousId: 'card-17' })
client.flush()
