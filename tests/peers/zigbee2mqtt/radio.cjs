// A simulated Zigbee radio: loaded before Zigbee2MQTT (`node -r ./radio.cjs`), it takes the place of the one that would open a serial port.
// All above it is the real program: joining, interviews, converters, groups, scenes, availability.
//
// What it is told, one JSON a line on stdin:
//   {"do": "join", "device": {ieee, nwk, type, endpoints: {"1": {device, in, out}}, attributes: {"genBasic": {...}}}}
//   {"do": "leave" | "silence" | "wake" | "refuse", "ieee": ...}     refuse: commands are answered with a failure until "wake"
//   {"do": "report", "ieee": ..., "cluster": ..., "attributes": {...}}
// Its devices (attributes, groups, scenes, how often they identified themselves) stand in radio.json beside the database: they outlive
// their bridge, as real ones do, and tests look there what really happened. When stdin ends, so does the program.

const fs = require('node:fs')
const path = require('node:path')
const within = require('node:module').createRequire(require.resolve('zigbee2mqtt/package.json'))
const {Adapter} = within('zigbee-herdsman/dist/adapter/adapter')
const Zcl = within('zigbee-herdsman/dist/zspec/zcl')
const Zdo = within('zigbee-herdsman/dist/zspec/zdo')

const COORDINATOR = '0x00124b00fffffff0'
const KEPT = path.join(process.env.ZIGBEE2MQTT_DATA, 'radio.json')
const SUCCESS = 0
const FAILURE = 1
const NOT_FOUND = 0x8b
const UNSUPPORTED = 0x86

class Radio extends Adapter {
  constructor(...given) {
    super(...given)
    this.manufacturerID = 0x1234
    this.devices = new Map()
    if (fs.existsSync(KEPT)) for (const device of JSON.parse(fs.readFileSync(KEPT))) this.devices.set(device.ieee, device)
  }

  async start() {
    let waiting = ''
    process.stdin.setEncoding('utf8')
    process.stdin.on('data', (text) => {
      const lines = (waiting + text).split('\n')
      waiting = lines.pop()
      for (const line of lines) this.told(JSON.parse(line))
    })
    return 'resumed'
  }
  async stop() {}
  async reset() {}
  async getCoordinatorIEEE() { return COORDINATOR }
  async getCoordinatorVersion() { return {type: 'SimulatedRadio', meta: {revision: 1}} }
  async getNetworkParameters() { return {panID: 0x1a62, extendedPanID: '0xdddddddddddddddd', channel: 11, nwkUpdateID: 0} }
  async supportsBackup() { return false }
  async backup() { throw new Error('no backup') }
  async addInstallCode() {}
  async permitJoin() {}
  async setChannelInterPAN() {}
  async restoreChannelInterPAN() {}
  async sendZclFrameInterPANToIeeeAddr() {}
  async sendZclFrameInterPANBroadcast() { throw new Error('nobody near') }
  waitFor() { return {promise: new Promise(() => {}), cancel: () => {}} }

  // What tests say.

  told(said) {
    if (said.do === 'join') {
      const device = {groups: {}, scenes: {}, identified: 0, ...said.device}
      this.devices.set(device.ieee, device)
      this.keep()
      this.emit('deviceJoined', {networkAddress: device.nwk, ieeeAddr: device.ieee})
      return
    }
    const device = this.devices.get(said.ieee)
    if (said.do === 'leave') {
      this.devices.delete(said.ieee)
      this.keep()
      this.emit('deviceLeave', {networkAddress: device.nwk, ieeeAddr: device.ieee})
    } else if (said.do === 'silence') {
      device.isSilent = true
    } else if (said.do === 'refuse') {
      device.refuses = true
    } else if (said.do === 'wake') {
      device.isSilent = device.refuses = false
      this.report(device, 1, 'genBasic', {zclVersion: 3})
    } else if (said.do === 'report') {
      this.remember(device, said.cluster, said.attributes)
      this.report(device, said.endpoint ?? 1, said.cluster, said.attributes)
    }
  }

  keep() {
    fs.writeFileSync(`${KEPT}.new`, JSON.stringify([...this.devices.values()]))
    fs.renameSync(`${KEPT}.new`, KEPT)
  }

  remember(device, cluster, attributes) {
    device.attributes[cluster] = {...device.attributes[cluster], ...attributes}
    this.keep()
  }

  report(device, endpoint, clusterName, attributes) {
    const cluster = Zcl.Utils.getCluster(clusterName, undefined, {})
    const records = Object.entries(attributes).map(([name, attrData]) => {
      const {ID, type} = cluster.attributes[name]
      return {attrId: ID, dataType: type, attrData}
    })
    this.hear(device, endpoint, Zcl.Frame.create(0, 1, true, undefined, 7, 'report', cluster.ID, records, {}))
  }

  hear(device, endpoint, frame) { this.emit('zclPayload', this.payload(device, endpoint, frame)) }

  payload(device, endpoint, frame) {
    const data = frame.toBuffer()
    return {
      clusterID: frame.cluster.ID, data, header: Zcl.Header.fromBuffer(data), address: device.nwk, endpoint, linkquality: 120,
      groupID: 0, wasBroadcast: false, destinationEndpoint: 1,
    }
  }

  // What Zigbee2MQTT asks of the network.

  async sendZdo(ieee, nwk, clusterId, payload, disableResponse) {
    if (disableResponse) return undefined
    const device = nwk === 0 ? coordinator() : [...this.devices.values()].find((each) => each.nwk === nwk)
    if (!device || device.isSilent) throw new Error(`no answer from ${ieee}`)
    const ask = Zdo.ClusterId
    switch (clusterId) {
      case ask.NODE_DESCRIPTOR_REQUEST:
        return [SUCCESS, {
          nwkAddress: nwk, logicalType: device.type === 'EndDevice' ? 2 : 1, manufacturerCode: device.manufacturer ?? 0x117c,
          serverMask: {stackComplianceRevision: 22},
        }]
      case ask.ACTIVE_ENDPOINTS_REQUEST:
        return [SUCCESS, {nwkAddress: nwk, endpointList: Object.keys(device.endpoints).map(Number)}]
      case ask.SIMPLE_DESCRIPTOR_REQUEST: {
        // The request ends with the endpoint that is meant.
        const endpoint = payload[payload.length - 1]
        const described = device.endpoints[endpoint]
        return [SUCCESS, {
          nwkAddress: nwk, endpoint, profileId: 0x0104, deviceId: described.device ?? 0, deviceVersion: 1,
          inClusterList: described.in.map(idOf), outClusterList: (described.out ?? []).map(idOf),
        }]
      }
      case ask.LEAVE_REQUEST:
        this.devices.delete(device.ieee)
        this.keep()
        setImmediate(() => this.emit('deviceLeave', {networkAddress: nwk, ieeeAddr: device.ieee}))
        return [SUCCESS, undefined]
      case ask.IEEE_ADDRESS_REQUEST:
      case ask.NETWORK_ADDRESS_REQUEST:
        return [SUCCESS, {eui64: device.ieee, nwkAddress: nwk, startIndex: 0, assocDevList: []}]
      default:
        return [SUCCESS, undefined]
    }
  }

  async sendZclFrameToEndpoint(ieee, nwk, endpoint, frame, timeout, disableResponse) {
    if (nwk === 0) return undefined
    const device = this.devices.get(ieee)
    if (!device || device.isSilent) throw new Error(`no answer from ${ieee} within ${timeout} ms`)
    const answer = this.answer(device, endpoint, frame)
    if (!answer) return undefined
    const payload = this.payload(device, endpoint, answer)
    // As with real radios an answer is heard like anything else, too: what was read becomes the device's state.
    setImmediate(() => this.emit('zclPayload', payload))
    return disableResponse ? undefined : payload
  }

  async sendZclFrameToGroup(group, frame) {
    for (const device of this.devices.values()) {
      if (device.groups[group] && !device.isSilent) this.answer(device, 1, frame, group)
    }
  }

  async sendZclFrameToAll() {}

  // What a device does and answers.

  answer(device, endpoint, frame) {
    const {cluster, command, payload, header} = frame
    const reply = (name, body, type = 1) => Zcl.Frame.create(
      type, 1, true, header.manufacturerCode, header.transactionSequenceNumber, name, cluster.ID, body, {})
    const done = (statusCode = SUCCESS) => reply('defaultRsp', {cmdId: command.ID, statusCode}, 0)
    if (header.isGlobal) return this.answerGlobal(device, cluster, command, payload, reply)
    if (device.refuses) return done(FAILURE)
    if (cluster.name === 'genGroups') return this.answerGroups(device, command, payload, reply, done)
    if (cluster.name === 'genScenes') return this.answerScenes(device, command, payload, reply, done)
    if (cluster.name === 'genIdentify') device.identified += 1
    if (device.identified) this.keep()
    this.remember(device, cluster.name, effect(device, cluster.name, command.name, payload))
    if (command.name.endsWith('WithOnOff')) this.remember(device, 'genOnOff', {onOff: payload.level > 0 ? 1 : 0})
    return done()
  }

  answerGlobal(device, cluster, command, payload, reply) {
    const byId = Object.fromEntries(Object.entries(cluster.attributes).map(([name, attribute]) => [attribute.ID, {name, ...attribute}]))
    if (command.name === 'read') {
      return reply('readRsp', payload.map(({attrId}) => {
        const value = device.attributes[cluster.name]?.[byId[attrId]?.name]
        if (value === undefined) return {attrId, status: UNSUPPORTED}
        return {attrId, status: SUCCESS, dataType: byId[attrId].type, attrData: value}
      }), 0)
    }
    if (command.name === 'write') {
      const written = payload.filter(({attrId}) => byId[attrId])
      this.remember(device, cluster.name, Object.fromEntries(written.map(({attrId, attrData}) => [byId[attrId].name, attrData])))
      return reply('writeRsp', [{status: SUCCESS}], 0)
    }
    if (command.name === 'configReport') return reply('configReportRsp', [{status: SUCCESS}], 0)
    return reply('defaultRsp', {cmdId: command.ID, statusCode: SUCCESS}, 0)
  }

  answerGroups(device, command, payload, reply, done) {
    const groupid = payload.groupid
    if (command.name === 'add') device.groups[groupid] = true
    else if (command.name === 'remove') delete device.groups[groupid]
    else if (command.name === 'removeAll') device.groups = {}
    this.keep()
    if (command.name === 'add' || command.name === 'remove') return reply(`${command.name}Rsp`, {status: SUCCESS, groupid})
    return done()
  }

  answerScenes(device, command, payload, reply, done) {
    const {groupid, sceneid} = payload
    const key = `${groupid}/${sceneid}`
    const known = device.scenes[key]
    switch (command.name) {
      case 'store':
        device.scenes[key] = {genOnOff: device.attributes.genOnOff, genLevelCtrl: device.attributes.genLevelCtrl,
          lightingColorCtrl: device.attributes.lightingColorCtrl}
        this.keep()
        return reply('storeRsp', {status: SUCCESS, groupid, sceneid})
      case 'add':
      case 'enhancedAdd':
        device.scenes[key] = Object.fromEntries(payload.extensionfieldsets.map(stored))
        this.keep()
        return reply(`${command.name}Rsp`, {status: SUCCESS, groupId: groupid, sceneId: sceneid})
      case 'remove':
        delete device.scenes[key]
        this.keep()
        return reply('removeRsp', {status: known ? SUCCESS : NOT_FOUND, groupid, sceneid})
      case 'removeAll':
        for (const each of Object.keys(device.scenes)) if (each.startsWith(`${groupid}/`)) delete device.scenes[each]
        this.keep()
        return reply('removeAllRsp', {status: SUCCESS, groupid})
      case 'recall':
        if (!known) return done(NOT_FOUND)
        for (const [cluster, attributes] of Object.entries(known)) if (attributes) this.remember(device, cluster, attributes)
        return done()
      default:
        return done()
    }
  }
}

// Attributes after a command.
function effect(device, cluster, command, payload) {
  if (cluster === 'genOnOff') {
    if (command === 'toggle') return {onOff: device.attributes.genOnOff?.onOff ? 0 : 1}
    return {onOff: command === 'off' || command === 'offWithEffect' ? 0 : 1}
  }
  if (cluster === 'genLevelCtrl' && command.startsWith('moveToLevel')) return {currentLevel: payload.level}
  if (cluster === 'lightingColorCtrl' && command === 'moveToColorTemp') return {colorTemperature: payload.colortemp, colorMode: 2}
  if (cluster === 'lightingColorCtrl' && command === 'moveToColor') return {currentX: payload.colorx, currentY: payload.colory, colorMode: 1}
  return {}
}

// A scene's field set, as attributes of its cluster.
function stored({clstId, extField}) {
  if (clstId === 6) return ['genOnOff', {onOff: extField[0]}]
  if (clstId === 8) return ['genLevelCtrl', {currentLevel: extField[0]}]
  return ['lightingColorCtrl', {currentX: extField[0], currentY: extField[1], colorMode: 1}]
}

function coordinator() {
  return {type: 'Coordinator', endpoints: {1: {device: 5, in: ['genBasic'], out: ['genOnOff']}}}
}

function idOf(cluster) { return Zcl.Utils.getCluster(cluster, undefined, {}).ID }

process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
Adapter.create = async (network, serial, backup, options) => {
  serial.adapter = 'zstack'
  return new Radio(network, serial, backup, options)
}
