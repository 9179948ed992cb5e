import { connect, type ClientHttp2Session } from 'node:http2';
import { within } from '../../harness/eventually.js';
import { RawSocket } from '../../harness/raw-socket.js';
import type { OddRequest } from './odd-requests.js';

export interface FuzzClient {
  /**
   * @returns the status; undefined when the server, or HTTP/2 itself, has ended the request instead of an answer
   * @throws Error when nothing comes
   */
  send(request: OddRequest): Promise<number | undefined>;
  close(): void;
}

/** Keeps its connection for as long as the server does. */
export class RawClient implements FuzzClient {
  private kept: RawSocket | undefined;

  private readonly port: number;

  constructor(url: string) {
    this.port = Number(new URL(url).port);
  }

  async send(request: OddRequest): Promise<number | undefined> {
    const { kept } = this;
    this.kept = undefined;
    // The server may have closed a connection that was kept, and then it has not read the request.
    const status = kept && (await this.exchange(kept, request));
    return status ?? this.exchange(await RawSocket.connect(this.port), request);
  }

  private async exchange(
    socket: RawSocket,
    { method, target, headers, body }: OddRequest,
  ): Promise<number | undefined> {
    const fields = [
      ['Host', `127.0.0.1:${this.port}`],
      ['Content-Length', String(Buffer.byteLength(body, 'latin1'))],
      ...headers,
    ].map(([name, value]) => `${name}: ${value}`);
    const head = [`${method} ${target} HTTP/1.1`, ...fields, '', ''].join('\r\n');
    await socket.send(Buffer.from(head + body, 'latin1'));
    try {
      const response = await socket.response(method);
      const isKept = !response.all('connection').includes('close') && socket.fate === 'open';
      if (isKept) this.kept = socket;
      else socket.destroy();
      return response.status;
    } catch (error) {
      const hangs = socket.fate === 'open';
      socket.destroy();
      if (hangs) throw error;
      return undefined;
    }
  }

  close(): void {
    this.kept?.destroy();
  }
}

/** One stream for each request. */
export class Http2Client implements FuzzClient {
  private session: ClientHttp2Session | undefined;

  constructor(private readonly url: string) {}

  async send({ method, target, headers, body, expected }: OddRequest): Promise<number | undefined> {
    // HTTP/2 has no absolute form: what is right otherwise would be ended as broken.
    const path = expected ? target.replace('http://example.com', '') : target;
    const fields: Record<string, string | string[]> = { ':method': method, ':path': path };
    for (const [name, value] of headers) {
      fields[name.toLowerCase()] = [fields[name.toLowerCase()] ?? [], value.trim()].flat();
    }
    const status = new Promise<number | undefined>((resolve) => {
      try {
        const stream = this.opened.request(fields, { endStream: body === '' });
        stream.on('error', () => resolve(undefined));
        stream.on('response', (answer) => resolve(answer[':status']));
        stream.on('close', () => resolve(undefined));
        stream.resume();
        if (body !== '') stream.end(body);
      } catch {
        // Node's client sends no such header.
        resolve(undefined);
      }
    });
    return within(`an answer to ${method} ${target}`, status);
  }

  close(): void {
    this.session?.destroy();
  }

  private get opened(): ClientHttp2Session {
    if (!this.session || this.session.closed || this.session.destroyed) {
      this.session = connect(this.url);
      this.session.on('error', () => undefined);
    }
    return this.session;
  }
}
