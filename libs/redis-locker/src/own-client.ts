import { setMaxListeners } from 'node:events';
import { createClient, createCluster, createSentinel } from 'redis';
import type { RedisConnection, ResolvedOptions } from './options.js';

/** Longest pause between two attempts to reach a server that is gone, in milliseconds. */
const MAX_RECONNECT_MS = 500;

/** A client that belongs to the locker. */
export interface OwnClient {
  readonly client: RedisConnection;
  /**
   * Ends it. node-redis's Sentinel client loses sight of connections that are being made when the master changes, and
   * waits for them before it ends: those get no new attempt, and are cut when they hang.
   */
  end(): Promise<void>;
}

/** What the options of all of node-redis's sockets have in common. */
interface SocketOptions {
  connectTimeout?: number;
  reconnectStrategy?: false | number | ((attempt: number, cause: Error) => false | number | Error);
}

export function makeClient(options: ResolvedOptions): OwnClient {
  let isEnded = false;
  const cut = new AbortController();
  // One listener for each connection, which takes it off.
  setMaxListeners(0, cut.signal);

  function mortal<T extends SocketOptions>(socket?: T) {
    const chosen = socket?.reconnectStrategy;
    const reconnectStrategy = (attempt: number, cause: Error): false | number | Error => {
      if (isEnded) return false;
      if (typeof chosen === 'function') return chosen(attempt, cause);
      return chosen ?? Math.min(50 * 2 ** attempt, MAX_RECONNECT_MS);
    };
    // Node gives the signal to every socket that is made with these options.
    return { connectTimeout: options.commandTimeout, ...socket, reconnectStrategy, signal: cut.signal };
  }

  function make(): RedisConnection {
    const { sentinel, cluster } = options;
    if (sentinel) {
      const { nodeClientOptions: node, sentinelClientOptions: guard } = sentinel;
      return createSentinel({
        ...sentinel,
        nodeClientOptions: { ...node, socket: mortal(node?.socket) },
        sentinelClientOptions: { ...guard, socket: mortal(guard?.socket) },
      });
    }
    if (cluster) {
      const { defaults } = cluster;
      return createCluster({
        // Else it waits for every master before it serves any, also for one that is dead.
        minimizeConnections: true,
        ...cluster,
        defaults: { disableOfflineQueue: true, ...defaults, socket: mortal(defaults?.socket) },
      });
    }
    return createClient({
      url: options.url ?? 'redis://127.0.0.1:6379',
      // What waits for a server that is gone would be done when no request wants it any more.
      disableOfflineQueue: true,
      socket: mortal(),
    });
  }

  const client = make();
  return {
    client,
    async end() {
      isEnded = true;
      // After the pauses: a socket that is made with an aborted signal would be connected nevertheless, for good.
      setTimeout(() => cut.abort(), MAX_RECONNECT_MS + 100).unref();
      if (client.isOpen) await client.destroy();
    },
  };
}
