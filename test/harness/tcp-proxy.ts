import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and a server and breaks what goes through. */
export interface TcpProxy {
  readonly port: number;
  /** The same URL through the proxy. */
  through(url: string): string;
  /** Cuts every connection once this many more bytes went to the server; `onCut` is called then. */
  cutAfter(bytes: number, onCut?: () => void): void;
  /** Cuts every connection now. */
  cut(): void;
  /** New connections are reset at once while true. */
  refuse(refusing: boolean): void;
  /**
   * Forwards nothing more, in no direction, on the connections there are; closes none. The server sees a half-open client.
   * @param from only the connection that the server sees coming from this port
   */
  stall(from?: number): void;
  /** On the connections there are, what the server says is lost from now on; what clients say still reaches it. */
  mute(): void;
  /** New connections go to this port. */
  to(port: number): void;
  /** Connections that were accepted so far. */
  connections(): number;
  /** How often `cutAfter` or `cut` cut something. */
  cuts(): number;
  /** Bytes that went to the server so far. */
  bytesUpstream(): number;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  stalled: boolean;
  muted: boolean;
}

/** Starts a proxy to a port of this host. It is closed after the tests of this file. */
export async function startProxy(firstTarget: number): Promise<TcpProxy> {
  let targetPort = firstTarget;
  const pairs = new Set<Pair>();
  const count = { connections: 0, cuts: 0, upstream: 0 };
  let refusing = false;
  let cutAt = Infinity;
  let whenCut: (() => void) | undefined;

  const cut = () => {
    cutAt = Infinity;
    if (pairs.size > 0) count.cuts++;
    for (const pair of pairs) destroyPair(pair);
    whenCut?.();
  };

  const destroyPair = (pair: Pair) => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.upstream.resetAndDestroy();
  };

  const forwardUp = (pair: Pair, chunk: Buffer) => {
    if (pair.stalled) return;
    const allowed = chunk.subarray(0, Math.max(0, cutAt - count.upstream));
    count.upstream += allowed.length;
    if (allowed.length > 0) forward(allowed, pair.client, pair.upstream);
    if (count.upstream >= cutAt) cut();
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    count.connections++;
    if (refusing) return void client.resetAndDestroy();
    const pair: Pair = {
      client,
      upstream: connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true }),
      stalled: false,
      muted: false,
    };
    pairs.add(pair);
    client.on('data', (chunk: Buffer) => forwardUp(pair, chunk));
    pair.upstream.on('data', (chunk: Buffer) => {
      if (!pair.stalled && !pair.muted) forward(chunk, pair.upstream, client);
    });
    for (const [from, to] of [
      [client, pair.upstream],
      [pair.upstream, client],
    ] as const) {
      from.on('end', () => pair.stalled || to.end());
      from.on('error', () => pair.stalled || destroyPair(pair));
      from.on('close', () => pair.stalled || pairs.delete(pair));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const proxy: TcpProxy = {
    port,
    through(url) {
      const proxied = new URL(url);
      proxied.port = String(port);
      return proxied.href;
    },
    cutAfter(bytes, onCut) {
      cutAt = count.upstream + bytes;
      whenCut = onCut;
    },
    cut,
    refuse: (value) => (refusing = value),
    stall: (from) => {
      for (const pair of pairs) pair.stalled ||= from === undefined || pair.upstream.localPort === from;
    },
    mute: () => pairs.forEach((pair) => (pair.muted = true)),
    to: (next) => (targetPort = next),
    connections: () => count.connections,
    cuts: () => count.cuts,
    bytesUpstream: () => count.upstream,
    close: async () => {
      for (const pair of pairs) destroyPair(pair);
      await new Promise((resolve) => server.close(resolve));
    },
  };
  proxies.push(proxy);
  return proxy;
}

function forward(chunk: Buffer, from: Socket, to: Socket): void {
  if (to.write(chunk)) return;
  from.pause();
  to.once('drain', () => from.resume());
}

const proxies: TcpProxy[] = [];

afterAll(async () => {
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});
