// A Z-Wave network without radio: the real driver and server of Z-Wave JS, with mocked nodes behind a mocked serial port.
// Usage: node sim.mjs PORT. Says "ready" when every node is interviewed; ends when its standard input does.
// A line on standard input is a deed: {"do": "sense", "celsius": 23.5} | {"do": "motion", "event": 8} | {"do": "silence" or "wake", "node": 7}.
import { createInterface } from "node:readline"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CommandClasses as CC } from "@zwave-js/core"
import { MultilevelSensorCCReport, NotificationCCReport } from "@zwave-js/cc"
import { MockController, MockNode, MockZWaveFrameType, ccCaps, createMockZWaveRequestFrame } from "@zwave-js/testing"
import { ZwavejsServer } from "@zwave-js/server"
import {
  createAndStartDriverWithMockPort, createDefaultMockControllerBehaviors, createDefaultMockNodeBehaviors,
} from "zwave-js/Testing"

const cacheDir = mkdtempSync(join(tmpdir(), "zwave-"))
const listening = { isListening: true, isFrequentListening: false }

// Device classes by the numbers of the Z-Wave Alliance.
const NODES = [
  { id: 2, capabilities: { ...listening, genericDeviceClass: 0x11, specificDeviceClass: 0x01, commandClasses: [
    CC.Version, ccCaps({ ccId: CC["Multilevel Switch"], version: 4, primarySwitchType: 2, defaultValue: 0 }),
    ccCaps({ ccId: CC["Color Switch"], version: 3, colorComponents: { 0: 255, 1: 0, 2: 0, 3: 0, 4: 0 } }),
    ccCaps({ ccId: CC.Indicator, version: 3, indicators: { 0x50: { properties: [3, 4, 5] } } }),
    ccCaps({ ccId: CC.Configuration, version: 4, parameters: [
      { "#": 1, valueSize: 1, name: "Dim speed", minValue: 1, maxValue: 99, defaultValue: 10, format: 1 } ] }),
  ] } },
  { id: 3, capabilities: { ...listening, genericDeviceClass: 0x40, specificDeviceClass: 0x03, commandClasses: [
    CC.Version, ccCaps({ ccId: CC["Door Lock"], version: 4, supportedOperationTypes: [1], supportedDoorLockModes: [0, 255],
      doorSupported: true, boltSupported: true, latchSupported: true }),
    ccCaps({ ccId: CC["User Code"], version: 1, numUsers: 3 }),
  ] } },
  { id: 4, capabilities: { ...listening, genericDeviceClass: 0x08, specificDeviceClass: 0x06, commandClasses: [
    CC.Version, ccCaps({ ccId: CC["Thermostat Mode"], version: 3, supportedModes: [0, 1, 2] }),
    ccCaps({ ccId: CC["Thermostat Setpoint"], version: 3, setpoints: {
      // The mock of 15.29.0 refuses what is above the minimum.
      1: { minValue: 30, maxValue: 30, defaultValue: 20, scale: "°C" },
      2: { minValue: 86, maxValue: 86, defaultValue: 75, scale: "°F" } } }),
    ccCaps({ ccId: CC["Multilevel Sensor"], version: 11, sensors: { 1: { supportedScales: [0] } }, getValue: () => 19.5 }),
  ] } },
  { id: 5, capabilities: { ...listening, genericDeviceClass: 0x21, specificDeviceClass: 0x01, commandClasses: [
    CC.Version, ccCaps({ ccId: CC["Multilevel Sensor"], version: 11, sensors: { 1: { supportedScales: [0, 1] }, 5: { supportedScales: [0] } },
      getValue: (type) => (type === 1 ? 21.5 : 48) }),
    ccCaps({ ccId: CC.Notification, version: 8, supportsV1Alarm: false, notificationTypesAndEvents: { 7: [3, 8] } }),
  ] } },
  { id: 6, capabilities: { ...listening, genericDeviceClass: 0x10, specificDeviceClass: 0x05, commandClasses: [
    CC.Version, ccCaps({ ccId: CC["Sound Switch"], version: 2, defaultToneId: 1, defaultVolume: 40,
      tones: [{ name: "Ding", duration: 2 }, { name: "Alarm", duration: 30 }] }),
  ] } },
  { id: 7, capabilities: { ...listening, genericDeviceClass: 0x10, specificDeviceClass: 0x01, commandClasses: [
    CC.Version, ccCaps({ ccId: CC["Binary Switch"], version: 2, defaultValue: false }),
    ccCaps({ ccId: CC.Meter, version: 4, meterType: 1, supportedScales: [0, 2], supportedRateTypes: [1], supportsReset: true,
      getValue: (scale) => (scale === 0 ? 12.5 : 60) }),
  ] } },
  { id: 8, capabilities: { ...listening, genericDeviceClass: 0x11, specificDeviceClass: 0x07, commandClasses: [
    CC.Version, ccCaps({ ccId: CC["Window Covering"], version: 1, supportedParameters: [13], travelTime: 0 }),
  ] } },
]

const { driver, continueStartup, mockPort } = await createAndStartDriverWithMockPort({
  portAddress: "/tty/SIM",
  storage: { cacheDir },
  securityKeys: undefined,
  timeouts: { refreshValue: 300, refreshValueAfterTransition: 300 },
  attempts: { nodeInterview: 1, controller: 1, sendData: 1 },
  logConfig: { enabled: false },
  testingHooks: { skipBootloaderCheck: true, skipFirmwareIdentification: true },
})
driver.on("error", (error) => console.error(error))
const controller = new MockController({ mockPort, homeId: 0xc16d02a3, ownNodeId: 1 })
controller.defineBehavior(...createDefaultMockControllerBehaviors())
const nodes = new Map()
for (const described of NODES) {
  const node = await MockNode.create({ ...described, controller })
  node.defineBehavior(...createDefaultMockNodeBehaviors())
  controller.addNode(node)
  nodes.set(described.id, node)
}
driver.once("driver ready", () => {
  const server = new ZwavejsServer(driver, { port: Number(process.argv[2]), host: "127.0.0.1", enableDNSServiceDiscovery: false })
  void server.start()
  driver.once("all nodes ready", () => console.log("ready"))
})
continueStartup()

const say = (node, command) => node.sendToController(createMockZWaveRequestFrame(command, { ackRequested: false }))
const DEEDS = {
  sense: ({ celsius }) => say(nodes.get(5), new MultilevelSensorCCReport({ nodeId: 1, type: 1, scale: 0, value: celsius })),
  motion: ({ event }) => say(nodes.get(5), new NotificationCCReport({ nodeId: 1, notificationType: 7, notificationEvent: event })),
  silence: ({ node }) => { nodes.get(node).autoAckControllerFrames = false },
  wake: ({ node }) => { nodes.get(node).autoAckControllerFrames = true },
}
const input = createInterface({ input: process.stdin })
input.on("line", (line) => {
  const deed = JSON.parse(line)
  Promise.resolve(DEEDS[deed.do](deed)).catch((error) => console.error(error))
})
input.on("close", () => {
  rmSync(cacheDir, { recursive: true, force: true })
  process.exit(0)
})
