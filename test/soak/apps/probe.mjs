import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { inspect } from 'node:util';
import { recentActs } from './acts.mjs';

/**
 * Loaded before an app (`--import`): answers the soak's questions about this process, and writes down why it ends. It changes nothing
 * of what an error does: the process ends as its users' would.
 */
const reportFile = process.env.SOAK_REPORT;
const TURN_MS = 50;
const MICROSECONDS_OF_MS = 1_000;
const MOST_SHOWN = 1_000;
let longestTurn = 0;

process.on('uncaughtExceptionMonitor', (error, origin) => {
  writeFileSync(reportFile, JSON.stringify({ origin, error: show(error), acts: recentActs() }));
});
process.on('warning', ({ name, message }) => process.send?.({ warning: `${name}: ${message}` }));

process.on('message', ({ question }) => {
  if (question === 'measure') void measure();
  if (question === 'held') process.send?.({ held: [...heldConnections(), ...heldFiles()] });
  if (question === 'acts') process.send?.({ acts: recentActs() });
});
// The soak may be killed: its apps end with it, and the channel alone keeps none alive.
process.once('disconnect', () => process.exit(1));
process.channel?.unref();

/** Every HTTP server of this process, whatever framework makes it. */
const servers = new Set();
const http = createRequire(import.meta.url)('node:http');
const { createServer } = http;
http.createServer = function (...args) {
  const server = createServer(...args);
  servers.add(server);
  // Before the app's own: it sees requests that the app never ends.
  server.prependListener('connection', (socket) => watchConnection(socket));
  server.prependListener('request', (req) => {
    const list = requests.get(req.socket);
    list?.push(req);
    if (list?.length > MOST_REQUESTS) list.shift();
  });
  return server;
};
syncBuiltinESMExports();

/** By open connection: its last requests. */
const requests = new Map();
const MOST_REQUESTS = 5;

function watchConnection(socket) {
  requests.set(socket, []);
  socket.once('close', () => requests.delete(socket));
}

/** What is known of the connections that are open. */
function heldConnections() {
  return [...requests].map(([socket, list]) => {
    const flow = { destroyed: socket.destroyed, isPaused: socket.isPaused(), read: socket.bytesRead };
    const heads = list.map(describe);
    return `connection ${JSON.stringify(flow)}: ${heads.join(' | ') || 'no request'}`;
  });
}

function describe({ method, url, complete, readableFlowing, headers }) {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const state = `${complete ? 'complete' : 'incomplete'}, flowing ${readableFlowing}`;
  return `${method} ${url} (${state}) ${fields.join('; ').slice(0, MOST_SHOWN)}`;
}

async function measure() {
  for (let round = 0; round < 2; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  const connections = await Promise.all(
    [...servers].map(
      (server) => new Promise((resolve) => server.getConnections((_, count) => resolve(count ?? 0))),
    ),
  );
  process.send?.({
    numbers: {
      rss,
      heap: heapUsed + external,
      descriptors: descriptors(),
      connections: connections.reduce((sum, count) => sum + count, 0),
      longestTurn,
    },
  });
  longestTurn = 0;
}

/**
 * How long the event loop worked without a pause, in milliseconds of processor time: what a busy machine makes a process wait for is not
 * its own affair.
 */
function watchTurns() {
  let at = performance.now();
  let used = process.cpuUsage();
  setInterval(() => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(used);
    longestTurn = Math.max(longestTurn, Math.min(now - at, (user + system) / MICROSECONDS_OF_MS));
    at = now;
    used = process.cpuUsage();
  }, TURN_MS).unref();
}
watchTurns();

/** Open file descriptors, where the system tells; else 0. */
function descriptors() {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

/** What the open file descriptors are, where the system tells. */
function heldFiles() {
  try {
    return readdirSync('/proc/self/fd').map((descriptor) => {
      try {
        return `descriptor ${descriptor}: ${readlinkSync(`/proc/self/fd/${descriptor}`)}`;
      } catch {
        return `descriptor ${descriptor}: closed by now`;
      }
    });
  } catch {
    return [];
  }
}

function show(error) {
  try {
    return inspect(error, { depth: 2 }).slice(0, 4_000);
  } catch {
    return 'something that cannot be shown';
  }
}
