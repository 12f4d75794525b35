// Prints the definition of every model that the installed zigbee-herdsman-converters knows, as bridge/devices shows them: one JSON a line.
const fs = require('node:fs')
const path = require('node:path')
const converters = require('zigbee-herdsman-converters')

const folder = path.join(path.dirname(require.resolve('zigbee-herdsman-converters/package.json')), 'dist', 'devices')
const device = {isDummyDevice: true, ieeeAddr: '0x0', endpoints: [], getEndpoint: () => undefined, modelID: '', meta: {}}
let failed = 0
for (const file of fs.readdirSync(folder).sort()) {
  if (!file.endsWith('.js') || file === 'index.js') continue
  for (const raw of require(path.join(folder, file)).definitions ?? []) {
    try {
      const model = converters.prepareDefinition(raw)
      const exposes = typeof model.exposes === 'function' ? model.exposes(device, {}) : model.exposes
      process.stdout.write(JSON.stringify({
        model: model.model, vendor: model.vendor, description: model.description,
        exposes, options: model.options ?? [], supports_ota: !!model.ota,
      }) + '\n')
    } catch (error) {
      failed += 1
      if (process.env.TELL) process.stderr.write(`${file} ${raw.model}: ${error.message}\n`)
    }
  }
}
process.stderr.write(`${failed} definitions could not be made\n`)
