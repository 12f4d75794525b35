// A Matter bridge with one device of each kind, on @matter/main. Usage: node device.mjs STORAGE_DIR INTERFACE.
// Says one line of JSON once it can be commissioned: {"qr", "manual"}; ends when its standard input does.
// A line on standard input sets a state: {"on": "contact", "set": {"booleanState": {"stateValue": false}}}, or presses: {"on": "button", "press": true}.
import { createInterface } from "node:readline"
import { Endpoint, Environment, Logger, ServerNode, StorageService, VendorId } from "@matter/main"
import * as Behaviors from "@matter/main/behaviors"
import * as Devices from "@matter/main/devices"
import { AggregatorEndpoint } from "@matter/main/endpoints/aggregator"
import { ElectricalSensorEndpoint } from "@matter/main/endpoints/electrical-sensor"
import { PowerSourceEndpoint } from "@matter/main/endpoints/power-source"

Logger.level = "error"
const [storage, networkInterface] = process.argv.slice(2)
Environment.default.vars.set("storage.path", storage)
if (networkInterface) Environment.default.vars.set("mdns.networkInterface", networkInterface)

const bridged = Behaviors.BridgedDeviceBasicInformationServer
const battery = Behaviors.PowerSourceServer.with("Battery", "Replaceable")
const BATTERY = { powerSource: { status: 1, order: 0, description: "Battery", batChargeLevel: 0, batPercentRemaining: 150, batReplaceability: 1,
  batReplacementNeeded: false, batReplacementDescription: "AAA", batQuantity: 2, endpointList: [] } }
const KINDS = {
  light: [Devices.OnOffLightDevice, {}],
  dimmer: [Devices.DimmableLightDevice, { levelControl: { currentLevel: 100 } }],
  white: [Devices.ColorTemperatureLightDevice, { colorControl: { colorMode: 2, enhancedColorMode: 2, colorTemperatureMireds: 250, colorTempPhysicalMinMireds: 153, colorTempPhysicalMaxMireds: 454,
    coupleColorTempToLevelMinMireds: 153, startUpColorTemperatureMireds: null } }],
  colour: [Devices.ExtendedColorLightDevice, { colorControl: { colorMode: 2, enhancedColorMode: 2, colorTemperatureMireds: 250, colorTempPhysicalMinMireds: 153, colorTempPhysicalMaxMireds: 500,
    coupleColorTempToLevelMinMireds: 153, startUpColorTemperatureMireds: null } }],
  plug: [Devices.OnOffPlugInUnitDevice, {}],
  contact: [Devices.ContactSensorDevice.with(battery), { booleanState: { stateValue: true }, ...BATTERY }],
  occupancy: [Devices.OccupancySensorDevice.with(Devices.OccupancySensorRequirements.OccupancySensingServer.with("PassiveInfrared")),
    { occupancySensing: { occupancy: { occupied: false }, occupancySensorTypeBitmap: { pir: true } } }],
  temperature: [Devices.TemperatureSensorDevice, { temperatureMeasurement: { measuredValue: 2150 } }],
  humidity: [Devices.HumiditySensorDevice, { relativeHumidityMeasurement: { measuredValue: 4820 } }],
  brightness: [Devices.LightSensorDevice, { illuminanceMeasurement: { measuredValue: 20001 } }],
  pressure: [Devices.PressureSensorDevice, { pressureMeasurement: { measuredValue: 1013 } }],
  flow: [Devices.FlowSensorDevice, { flowMeasurement: { measuredValue: 12 } }],
  leak: [Devices.WaterLeakDetectorDevice, { booleanState: { stateValue: false } }],
  smoke: [Devices.SmokeCoAlarmDevice.with(Devices.SmokeCoAlarmRequirements.SmokeCoAlarmServer.with("SmokeAlarm", "CoAlarm")),
    { smokeCoAlarm: { expressedState: 0, smokeState: 0, coState: 0, batteryAlert: 0, testInProgress: false, hardwareFaultAlert: false, endOfServiceAlert: 0 } }],
  lock: [Devices.DoorLockDevice, { doorLock: { lockState: 2, lockType: 0, actuatorEnabled: true, wrongCodeEntryLimit: 3, userCodeTemporaryDisableTime: 10, operatingMode: 0, supportedOperatingModes: { normal: true, vacation: false, privacy: false, noRemoteLockUnlock: true, passage: false, alwaysSet: 2047 } } }],
  blind: [Devices.WindowCoveringDevice.with(Devices.WindowCoveringRequirements.WindowCoveringServer.with("Lift", "PositionAwareLift")),
    { windowCovering: { type: 0, endProductType: 0, currentPositionLiftPercent100ths: 0, targetPositionLiftPercent100ths: 0,
      configStatus: { operational: true, liftPositionAware: true }, mode: {} } }],
  thermostat: [Devices.ThermostatDevice.with(Devices.ThermostatRequirements.ThermostatServer.with("Heating", "Cooling")),
    { thermostat: { localTemperature: 1950, controlSequenceOfOperation: 4, systemMode: 4, occupiedHeatingSetpoint: 2100, occupiedCoolingSetpoint: 2600 } }],
  fan: [Devices.FanDevice, { fanControl: { fanMode: 0, fanModeSequence: 0, percentSetting: 0, percentCurrent: 0 } }],
  air: [Devices.AirQualitySensorDevice.with(
    Behaviors.CarbonDioxideConcentrationMeasurementServer.with("NumericMeasurement")),
    { airQuality: { airQuality: 1 }, carbonDioxideConcentrationMeasurement: { measuredValue: 612, minMeasuredValue: 0, maxMeasuredValue: 5000, measurementUnit: 0, measurementMedium: 0 } }],
  button: [Devices.GenericSwitchDevice.with(Devices.GenericSwitchRequirements.SwitchServer.with("MomentarySwitch", "MomentarySwitchRelease", "MomentarySwitchLongPress", "MomentarySwitchMultiPress")),
    { switch: { numberOfPositions: 2, currentPosition: 0, multiPressMax: 2 } }],
}

const node = await ServerNode.create({
  id: "bridge",
  commissioning: { passcode: 20202021, discriminator: 3840 },
  productDescription: { name: "Test bridge", deviceType: 14 },
  basicInformation: { vendorName: "matter.js", vendorId: VendorId(0xfff1), productId: 0x8000, productName: "Bridge of kinds", nodeLabel: "Kinds",
    serialNumber: "kinds-1", uniqueId: "kinds-unique", hardwareVersionString: "1", softwareVersionString: "1.2.3" },
})
const aggregator = new Endpoint(AggregatorEndpoint, { id: "aggregator" })
await node.add(aggregator)
const endpoints = new Map()
for (const [name, [type, state]] of Object.entries(KINDS)) {
  try {
    const endpoint = new Endpoint(type.with(bridged), { id: name, bridgedDeviceBasicInformation: {
      nodeLabel: `Bridged ${name}`, productName: `Kind ${name}`, vendorName: "matter.js", uniqueId: `kind-${name}`, reachable: true }, ...state })
    await aggregator.add(endpoint)
    endpoints.set(name, endpoint)
  } catch (error) {
    const reasons = (error.errors ?? error.cause?.errors ?? []).map((each) => each.cause?.message ?? each.message)
    console.error(`${name}: ${error.message}: ${reasons.join("; ")}`)
  }
}
await node.start()
const { qrPairingCode, manualPairingCode } = node.state.commissioning.pairingCodes
console.log(JSON.stringify({ qr: qrPairingCode, manual: manualPairingCode }))

const input = createInterface({ input: process.stdin })
input.on("line", async (line) => {
  const deed = JSON.parse(line)
  const endpoint = endpoints.get(deed.on)
  if (deed.set) await endpoint.set(deed.set)
  if (deed.press) {
    await endpoint.set({ switch: { rawPosition: 1 } })
    await endpoint.set({ switch: { rawPosition: 0 } })
  }
})
input.on("close", () => process.exit(0))
