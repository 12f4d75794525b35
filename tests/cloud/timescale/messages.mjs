// The frames of PostgreSQL's protocol 3: one letter, a length that counts itself, a body.

export const letterOf = (frame) => String.fromCharCode(frame[0]);
export const bodyText = (frame) => frame.subarray(5, frame.length - 1).toString();
export const cString = (text) => Buffer.from(text + '\0');
export const quotedName = (name) => '"' + name.replace(/"/g, '""') + '"';
export const quotedText = (text) => "'" + text.replace(/'/g, "''") + "'";

export function frame(letter, ...parts) {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head[0] = letter.charCodeAt(0);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

// Answers the whole frames, and what is left of one that has not arrived whole.
export function splitFrames(bytes) {
  const frames = [];
  let at = 0;
  while (bytes.length - at >= 5) {
    const size = bytes.readUInt32BE(at + 1) + 1;
    if (bytes.length - at < size) break;
    frames.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [frames, bytes.subarray(at)];
}

const stringAt = (bytes, at) => {
  const end = bytes.indexOf(0, at);
  return [bytes.subarray(at, end).toString(), end + 1];
};

// All connections share one backend, so a prepared statement gets its connection's prefix. Unnamed ones stay unnamed.
export function withStatementPrefix(message, prefix, onPrepared) {
  const letter = letterOf(message);
  if (letter === 'P') {
    const [name, rest] = stringAt(message, 5);
    if (!name) return message;
    onPrepared(prefix + name);
    return frame('P', cString(prefix + name), message.subarray(rest));
  }
  if (letter === 'B') {
    const [portal, afterPortal] = stringAt(message, 5);
    const [name, rest] = stringAt(message, afterPortal);
    return name ? frame('B', cString(portal), cString(prefix + name), message.subarray(rest)) : message;
  }
  if ((letter === 'D' || letter === 'C') && String.fromCharCode(message[5]) === 'S') {
    const [name] = stringAt(message, 6);
    return name ? frame(letter, Buffer.from('S'), cString(prefix + name)) : message;
  }
  return message;
}

// What a client says first, as pairs.
export function startupParameters(packet) {
  const texts = packet.subarray(8).toString().split('\0');
  const parameters = {};
  for (let i = 0; i + 1 < texts.length && texts[i]; i += 2) parameters[texts[i]] = texts[i + 1];
  return parameters;
}

export function greeting(serverVersion, pid) {
  const status = (name, value) => frame('S', cString(name), cString(value));
  const key = Buffer.alloc(8);
  key.writeUInt32BE(pid, 0);
  return Buffer.concat([
    frame('R', Buffer.alloc(4)), // nobody is asked for a password
    status('server_version', serverVersion),
    status('server_encoding', 'UTF8'),
    status('client_encoding', 'UTF8'),
    status('DateStyle', 'ISO, MDY'),
    status('TimeZone', 'UTC'),
    status('integer_datetimes', 'on'),
    status('standard_conforming_strings', 'on'),
    status('IntervalStyle', 'postgres'),
    status('is_superuser', 'on'),
    frame('K', key),
    frame('Z', Buffer.from('I')),
  ]);
}
