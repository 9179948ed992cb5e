import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** Reading the tables costs with the number of connections: all that ask at about the same time share one reading. */
const FRESH_MS = 500;

let latest: { readonly at: number; readonly text: Promise<string> } | undefined;

/**
 * What the peer of a connection has not acknowledged yet, as text that differs when the peer has taken something. Node itself sees no more than
 * that the system took bytes.
 * @returns undefined where the system does not say it: only Linux does
 */
export async function unsentOf(socket: Socket | null): Promise<string | undefined> {
  const { localPort, remotePort } = socket ?? {};
  if (process.platform !== 'linux' || localPort === undefined || remotePort === undefined) return undefined;
  const ports = new RegExp(`:${hex(localPort)} [0-9A-F]+:${hex(remotePort)} [0-9A-F]+ ([0-9A-F]+):`, 'g');
  const queues = [...(await connections()).matchAll(ports)].map(([, queue]) => queue);
  return queues.length > 0 ? queues.join(' ') : undefined;
}

function connections(): Promise<string> {
  const at = performance.now();
  if (!latest || at - latest.at > FRESH_MS) latest = { at, text: readTables() };
  return latest.text;
}

async function readTables(): Promise<string> {
  const texts = await Promise.allSettled(TABLES.map((path) => readFile(path, 'latin1')));
  return texts.map((text) => (text.status === 'fulfilled' ? text.value : '')).join('\n');
}

/** As the tables write a port. */
function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
