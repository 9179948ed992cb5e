import { connect, type Socket } from 'node:net';
import { within } from './eventually.js';
import { parseMessage, type WireResponse } from './wire-response.js';

export type { WireResponse };

/** How the server's side of a connection ended: by FIN, by RST, or not yet. */
export type ConnectionFate = 'open' | 'ended' | 'reset';

/** A client that sends exactly the bytes it is told, and shows exactly what came back. */
export class RawSocket {
  /** How the server has left the connection so far. */
  fate: ConnectionFate = 'open';
  /** What broke the connection, also when that was after its end. */
  error: Error | undefined;
  private received = Buffer.alloc(0);
  private waiting: (() => void)[] = [];

  private constructor(
    readonly socket: Socket,
    private readonly port: number,
  ) {
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake();
    });
    socket.on('end', () => this.settle('ended'));
    socket.on('error', (error) => {
      this.error = error;
      this.settle('reset');
    });
    socket.on('close', () => this.settle('ended'));
  }

  static async connect(port: number): Promise<RawSocket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const opened = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    await within('a connection', opened);
    openedSockets.add(socket);
    return new RawSocket(socket, port);
  }

  /** Sends bytes; resolves when the kernel took them. A connection that breaks meanwhile is seen in `fate`. */
  async send(bytes: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        this.socket.off('close', done);
        resolve();
      };
      this.socket.once('close', done);
      this.socket.write(bytes, done);
    });
  }

  /** Sends a request line and headers; a list sends a header as often as it has values. */
  async sendHead(method: string, target: string, headers: Record<string, string | string[]>): Promise<void> {
    await this.send(requestHead(method, target, { Host: `127.0.0.1:${this.port}`, ...headers }));
  }

  /** The next message from the server, 1xx included. `method` is that of the request: a HEAD's answer has no body. */
  async message(method = 'GET'): Promise<WireResponse> {
    for (;;) {
      const parsed = parseMessage(this.received, { method, atEnd: this.fate !== 'open' });
      if (parsed) {
        this.received = this.received.subarray(parsed.length);
        return parsed.response;
      }
      if (this.fate !== 'open')
        throw new Error(`the connection was ${this.fate} before an answer was complete`);
      await within('an answer', this.change());
    }
  }

  /** The next final answer, and the 1xx messages before it. */
  async response(method = 'GET'): Promise<WireResponse & { informational: WireResponse[] }> {
    const informational: WireResponse[] = [];
    for (;;) {
      const message = await this.message(method);
      if (message.status >= 200 || message.status === 101) return { ...message, informational };
      informational.push(message);
    }
  }

  /** Resolves when the server has ended or reset the connection. */
  async closed(deadlineMs?: number): Promise<ConnectionFate> {
    while (this.fate === 'open') await within('the end of the connection', this.change(), deadlineMs);
    return this.fate;
  }

  /** Bytes that came and were not asked for yet. */
  get unread(): Buffer {
    return this.received;
  }

  /** Vanishes with a RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private settle(fate: ConnectionFate): void {
    if (this.fate === 'open') this.fate = fate;
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

function requestHead(method: string, target: string, headers: Record<string, string | string[]>): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}`),
  );
  return [`${method} ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

/** One request on a connection of its own, and its answer. `socket` is still open when the server left it so. */
export async function rawExchange(
  port: number,
  method: string,
  target: string,
  headers: Record<string, string | string[]>,
  body: string | Uint8Array = '',
): Promise<{ response: Awaited<ReturnType<RawSocket['response']>>; socket: RawSocket }> {
  const socket = await RawSocket.connect(port);
  await socket.sendHead(method, target, headers);
  if (body.length > 0) await socket.send(body);
  return { response: await socket.response(method), socket };
}

/** Encodes `parts` as chunked transfer coding, with trailers. */
export function chunked(parts: (string | Uint8Array)[], trailers: Record<string, string> = {}): Buffer {
  const pieces: Uint8Array[] = [];
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    pieces.push(Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n'));
  }
  const fields = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([...pieces, Buffer.from(`0\r\n${fields.join('')}\r\n`)]);
}

const openedSockets = new Set<Socket>();

afterAll(() => {
  for (const socket of openedSockets) socket.destroy();
  openedSockets.clear();
});
