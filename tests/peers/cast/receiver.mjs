// A Cast receiver as far as senders ask: the transport (TLS, protocol buffers, framing) is node-castv2's, what it does is ours,
// after https://developers.google.com/cast/docs/media/messages. PyChromecast judges whether it is one.
//
// node receiver.mjs KEY CERT HOST PORT < commands. A line of JSON on standard input is what a person does: {"volume": 0.7}, {"pause": true},
// {"home": true}. It ends when its standard input does.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const require = createRequire(import.meta.url)
const { Server } = require('castv2')
const { CastMessage } = require('castv2/lib/proto')
const [keyFile, certFile, host, port] = process.argv.slice(2)
const identity = { key: readFileSync(keyFile), cert: readFileSync(certFile) }

const NS = {
  connection: 'urn:x-cast:com.google.cast.tp.connection',
  heartbeat: 'urn:x-cast:com.google.cast.tp.heartbeat',
  receiver: 'urn:x-cast:com.google.cast.receiver',
  media: 'urn:x-cast:com.google.cast.media',
}
const NAMES = { CC1AD845: 'Default Media Receiver', '233637DE': 'YouTube' }
const EUREKA = {
  name: 'Living room TV',
  build_info: { cast_build_revision: '1.56.500000' },
  device_info: {
    manufacturer: 'Google Inc.',
    model_name: 'Chromecast Ultra',
    mac_address: '6C:AD:F8:12:34:56',
    capabilities: { display_supported: true },
  },
}

const volume = { controlType: 'attenuation', level: 0.5, muted: false, stepInterval: 0.05 }
const clients = new Set()
let application = null
let media = null
let sessions = 0

const backdrop = { appId: 'E8C28D3C', displayName: 'Backdrop', isIdleScreen: true, namespaces: [], sessionId: 'idle', statusText: '', transportId: 'idle' }
const receiverStatus = () => ({ applications: [application ?? backdrop], isActiveInput: true, isStandBy: false, userEq: {}, volume })
const mediaStatus = () => (media ? [media] : [])

const server = new Server(identity)
const send = (client, from, to, namespace, data) => server.send(client, from, to, namespace, JSON.stringify(data))
const tellAll = (from, namespace, data) => clients.forEach((client) => send(client, from, '*', namespace, data))
const tellReceiver = () => tellAll('receiver-0', NS.receiver, { type: 'RECEIVER_STATUS', requestId: 0, status: receiverStatus() })
const tellMedia = (status = mediaStatus()) =>
  application && tellAll(application.transportId, NS.media, { type: 'MEDIA_STATUS', requestId: 0, status })

function launch(appId) {
  sessions += 1
  const id = `session-${sessions}`
  media = null
  application = {
    appId, displayName: NAMES[appId], isIdleScreen: false, launchedFromCloud: false, namespaces: [{ name: NS.media }],
    sessionId: id, statusText: 'Ready', transportId: id,
  }
}

function home() {
  application = null
  media = null
}

const receiverDoes = {
  GET_STATUS: () => {},
  SET_VOLUME: (asked) => Object.assign(volume, asked.volume),
  LAUNCH: (asked) => launch(asked.appId),
  STOP: () => home(),
}
const mediaDoes = {
  GET_STATUS: () => {},
  LOAD: (asked) => {
    media = {
      mediaSessionId: 1, playbackRate: 1, playerState: 'PLAYING', currentTime: 0, supportedMediaCommands: 15, volume: { level: 1, muted: false },
      media: { ...asked.media, duration: 30.5 }, repeatMode: 'REPEAT_OFF',
    }
  },
  PLAY: () => (media.playerState = 'PLAYING'),
  PAUSE: () => (media.playerState = 'PAUSED'),
  STOP: () => (media = null),
  SEEK: (asked) => (media.currentTime = asked.currentTime),
}

function onReceiver(client, from, asked) {
  if (asked.type === 'LAUNCH' && !NAMES[asked.appId]) {
    send(client, 'receiver-0', from, NS.receiver, { type: 'LAUNCH_ERROR', requestId: asked.requestId, reason: 'NOT_FOUND' })
    return
  }
  receiverDoes[asked.type]?.(asked)
  send(client, 'receiver-0', from, NS.receiver, { type: 'RECEIVER_STATUS', requestId: asked.requestId, status: receiverStatus() })
  if (asked.type !== 'GET_STATUS') tellReceiver()
}

function onMedia(client, from, asked) {
  if (!media && !['GET_STATUS', 'LOAD'].includes(asked.type)) {
    send(client, application?.transportId ?? 'receiver-0', from, NS.media, { type: 'INVALID_PLAYER_STATE', requestId: asked.requestId })
    return
  }
  mediaDoes[asked.type]?.(asked)
  // As real ones do: what is played is told when it begins, and left out of what follows.
  const { media: content, ...rest } = media ?? {}
  const status = !media ? [] : ['LOAD', 'GET_STATUS'].includes(asked.type) ? [media] : [rest]
  send(client, application.transportId, from, NS.media, { type: 'MEDIA_STATUS', requestId: asked.requestId, status })
}

server.on('message', (client, from, to, namespace, data) => {
  clients.add(client)
  const asked = JSON.parse(data)
  if (namespace === NS.heartbeat && asked.type === 'PING') send(client, to, from, NS.heartbeat, { type: 'PONG' })
  else if (namespace === NS.receiver) onReceiver(client, from, asked)
  else if (namespace === NS.media) onMedia(client, from, asked)
})
server.on('error', () => {})

const eureka = createServer(identity, (request, answer) => {
  answer.setHeader('Content-Type', 'application/json')
  answer.end(JSON.stringify(EUREKA))
})

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const deed = JSON.parse(line)
    if ('volume' in deed) {
      volume.level = deed.volume
      tellReceiver()
    }
    if (deed.pause && media) {
      media.playerState = 'PAUSED'
      tellMedia([{ mediaSessionId: 1, playerState: 'PAUSED', currentTime: 3, supportedMediaCommands: 15 }])
    }
    if (deed.home) {
      home()
      tellReceiver()
    }
  })
  .on('close', () => process.exit(0))

// The library reads its messages' descriptions in the background, and dies of a message that comes before them.
function canRead() {
  try { return CastMessage.parse(Buffer.alloc(0)), true } catch (err) { return err.message !== 'extension not loaded yet' }
}
const listen = () => (canRead() ? eureka.listen(8443, host, () => server.listen(Number(port), host, () => console.log('up'))) : setImmediate(listen))
listen()
