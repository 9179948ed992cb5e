import { METHODS } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { FILTER_THREW } from '../odd/marks.mjs';
import { CLOSED, Connection, SILENT } from '../wire/connection.mjs';
import { faultsOf } from './check-answer.mjs';
import { mutated, plausible } from './requests.mjs';

/** Less than what Node takes by default. */
const SMALLEST_HEAD_LIMIT = 8_000;
const LONGEST_PAUSE_MS = 20;
const HOOKS = ['preUploadCreate', 'preFinishResponse', 'preUploadTerminate'];
/** Node reads so much of a body that its app does not want yet, or a little more, and then nothing: nor that the client leaves. */
const READ_AHEAD_BYTES = 16 * 1024;
/** How long a client waits for a hook that never ends. */
const PATIENCE_MS = 300;

/**
 * A client that sends random requests in random ways, until `run` says that time is over. It knows `ids`, the uploads that hostile
 * clients have made, and leaves those of honest ones alone.
 * @param run what all clients of an app share: port, path, ids, seed, boundMs, isOver, count, fail
 */
export async function attack(run, random) {
  for (let turn = 0; !run.isOver(); turn++) {
    const own = random.fork(turn);
    await attackOnce(run, own);
    await pause(own.below(LONGEST_PAUSE_MS));
  }
}

async function attackOnce(run, random) {
  let connection;
  try {
    connection = await Connection.open(run.port);
  } catch {
    // The app is gone, which its process says better; or its backlog is full.
    await pause(50);
    return;
  }
  try {
    const delivery = random.pick(DELIVERIES);
    await delivery({ run, random, connection });
  } finally {
    connection.destroy();
    if (connection.malformed && !isOfNest(connection.malformed.start)) {
      run.fail('malformed answer', connection.malformed.reason, [
        connection.malformed.start,
        ...connection.sent,
      ]);
    }
  }
}

/** @param start of a malformed answer */
function isOfNest(start) {
  const [head] = start.toLowerCase().split('\r\n\r\n', 1);
  return head.includes(`\r\n${FILTER_THREW}:`);
}

const DELIVERIES = [
  whole,
  whole,
  whole,
  whole,
  whole,
  inPieces,
  inPieces,
  pipelined,
  cut,
  cut,
  stalled,
  badFraming,
  hanging,
  unread,
  oneByOne,
];

/** One request after the other on one connection, each sent and answered as a whole. */
async function whole({ run, random, connection }) {
  for (let left = random.between(1, 4); left > 0 && !connection.isClosed; left--) {
    const request = next(run, random);
    await ask({ run, connection }, request, [request.bytes]);
  }
}

async function inPieces({ run, random, connection }) {
  const request = next(run, random);
  const at = random.below(request.bytes.length);
  await ask(
    { run, connection },
    request,
    [request.bytes.subarray(0, at), request.bytes.subarray(at)],
    random.below(50),
  );
}

/** A head of a few bytes at a time. */
async function oneByOne({ run, random, connection }) {
  const request = next(run, random);
  const pieces = [];
  for (let at = 0; at < 20; at++) pieces.push(request.bytes.subarray(at, at + 1));
  await ask({ run, connection }, request, [...pieces, request.bytes.subarray(20)], 1);
}

async function pipelined({ run, random, connection }) {
  const requests = Array.from({ length: random.between(2, 5) }, () => next(run, random));
  const bytes = Buffer.concat(requests.map((request) => request.bytes));
  connection.sent = ['pipelined', ...requests.map(({ text }) => text)];
  for (const request of requests) prepareFor(connection, request);
  const answers = requests.map((request) => connection.expect(request.sentMethod, run.boundMs));
  await connection.send(bytes);
  for (const [index, answer] of (await Promise.all(answers)).entries()) {
    settle(run, connection, requests[index], answer);
    // What follows waits for this one.
    if (answer === SILENT) return;
  }
}

/** Goes away in the middle, or at the end, by FIN or RST. */
async function cut({ run, random, connection }) {
  const request = next(run, random);
  connection.sent = [request.text];
  connection.allowMoreAnswers();
  await connection.send(request.bytes.subarray(0, random.below(request.bytes.length + 1)));
  await pause(random.below(30));
  const leave = random.pick(['end', 'reset', 'destroy']);
  connection[leave]();
  run.count('left');
}

/** Sends a head and a part of the body, and stands still: the endpoint has to answer or close by its own timeouts. */
async function stalled({ run, random, connection }) {
  const request = next(run, random);
  const headLength = request.bytes.length - request.body.length;
  if (request.body.length < 2 || !request.isUpload) return cut({ run, random, connection });
  await ask({ run, connection }, request, [
    request.bytes.subarray(0, headLength + random.below(request.body.length)),
  ]);
}

/** The body is longer or shorter than said, or its chunks are torn. The server may see other requests than were meant. */
async function badFraming({ run, random, connection }) {
  const request = next(run, random);
  connection.allowMoreAnswers();
  const garbage = random.pick([
    'garbage',
    '\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    '0\r\n\r\n',
    '\0\0\0',
    'zz\r\n',
  ]);
  await ask({ run, connection }, request, [request.bytes, Buffer.from(garbage)]);
}

/** Meets a hook that never ends: then only the client and the grace of the app can. */
async function hanging({ run, random, connection }) {
  const hook = random.pick(HOOKS);
  const request = next(run, random, [['X-Hang', hook]]);
  // A hook that is asked before the body is read, and never ends, would hold its connection until the app ends.
  if (hook !== 'preFinishResponse' && request.body.length > READ_AHEAD_BYTES) {
    return cut({ run, random, connection });
  }
  connection.sent = [request.text];
  connection.allowMoreAnswers();
  void connection.expect(request.sentMethod, run.boundMs);
  await connection.send(request.bytes);
  await pause(PATIENCE_MS);
  run.count('left');
}

/** Asks for a download and does not read it. */
async function unread({ run, random, connection }) {
  const request = next(run, random);
  connection.sent = [request.text];
  connection.allowMoreAnswers();
  connection.pauseReading();
  await connection.send(request.bytes);
  await pause(random.below(200));
  run.count('left');
}

/** A random request, framed as it should be unless a mutation says otherwise. */
function next(run, random, extra = []) {
  const odd = `${run.seed}.${random.below(2 ** 31)}`;
  const request = mutated(plausible(random, run.path, run.ids));
  const { method, target, headers, body } = request;
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const all = [...headers, ...(run.isCalm ? [] : [['X-Odd', odd], ...extra])];
  if (!names.has('host')) all.unshift(['Host', `127.0.0.1:${run.port}`]);
  const isChunked = body.length > 0 && random.chance(0.15);
  if (isChunked && !names.has('transfer-encoding')) all.push(['Transfer-Encoding', 'chunked']);
  if (!isChunked && !names.has('content-length') && (body.length > 0 || method === 'POST')) {
    all.push(['Content-Length', `${body.length}`]);
  }
  const content = isChunked ? chunked(body) : body;
  const head = `${method} ${target} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return {
    sentMethod: method,
    isToEndpoint: target.startsWith(run.path),
    isUpload: isUpload(run, method, target, names),
    mayLie: FRAMING.some((name) => names.has(name)) || isForParser(method, target, head),
    body: content,
    text: `${head.slice(0, 2_000)}[${content.length} bytes${isChunked ? ', chunked' : ''}]`,
    bytes: Buffer.concat([Buffer.from(head, 'latin1'), content]),
  };
}

/** True for what brings content to an upload. Another method at its URL is the app's own affair: its body parsers wait as long as they like. */
function isUpload({ path }, method, target, names) {
  if (names.has('x-http-method-override')) return false;
  return target === path ? method === 'POST' : method === 'PATCH' && target.startsWith(path);
}

/** A client that says itself how its body is framed may lie. */
const FRAMING = ['content-length', 'transfer-encoding', 'upgrade'];

/** A path, `*`, or a URL with a host. */
const PARSEABLE_TARGET = /^(?:\/|\*|[a-z]+:\/\/)[\x21-\x7e]*$/i;

/** True when Node's parser may refuse it: then the framework writes to the bare socket, before other answers and without an end. */
function isForParser(method, target, head) {
  return (
    method === 'CONNECT' ||
    !METHODS.includes(method) ||
    !PARSEABLE_TARGET.test(target) ||
    head.length > SMALLEST_HEAD_LIMIT
  );
}

function chunked(body) {
  const half = body.length >> 1;
  const parts = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0);
  return Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
    Buffer.from('0\r\n\r\n'),
  ]);
}

async function ask({ run, connection }, request, pieces, pauseMs = 0) {
  // With those before it: what comes too much of their answers is seen only now.
  connection.sent.push(request.text);
  prepareFor(connection, request);
  const answer = connection.expect(request.sentMethod, run.boundMs);
  for (const piece of pieces) {
    await connection.send(piece);
    if (pauseMs > 0) await pause(pauseMs);
  }
  settle(run, connection, request, await answer);
}

function prepareFor(connection, { mayLie, isToEndpoint }) {
  if (!mayLie) return;
  connection.allowMoreAnswers();
  // Elsewhere the framework decides: Express waits for the whole body of what it does not know.
  connection.mayStandStill ||= !isToEndpoint;
}

function settle(run, connection, request, answer) {
  run.count(typeof answer === 'string' ? answer : `${Math.floor(answer.status / 100)}xx`);
  const [method] = request.text.split(' ', 1);
  if (answer === SILENT && !connection.mayStandStill) {
    run.fail('no answer', method, connection.sent);
  }
  // A download whose file was changed meanwhile has to be cut.
  if (answer === CLOSED && connection.hasTornAnswer && method !== 'GET') {
    run.fail('answer cut short', method, [connection.tornAnswer, ...connection.sent]);
  }
  if (typeof answer === 'string') return;
  const faults = answer.fields.has(FILTER_THREW) ? [] : faultsOf(answer);
  for (const fault of faults) run.fail('bad answer', fault, [...connection.sent, shown(answer)]);
  const [location] = answer.fields.get('location') ?? [];
  if (answer.status === 201 && location !== undefined) run.learn(location);
}

export function shown({ status, fields, body }) {
  const lines = [...fields].map(([name, values]) => `${name}: ${values.join(', ')}`);
  return [String(status), ...lines, '', body.subarray(0, 500).toString('latin1')].join('\n');
}
