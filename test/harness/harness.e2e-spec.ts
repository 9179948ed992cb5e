import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './eventually.js';
import { randomContent } from './random-content.js';
import { chunked, rawExchange, RawSocket } from './raw-socket.js';
import { startProxy } from './tcp-proxy.js';
import { send } from './tus-requests.js';

const servers: ReturnType<typeof createServer>[] = [];

async function standIn(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterAll(() => servers.forEach((server) => (server.closeAllConnections(), server.close())));

describe('the raw socket', () => {
  it('shows interim answers, duplicates and chunked bodies', async () => {
    const port = await standIn((req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' });
      res.setHeader('X-Twice', ['a', 'b']);
      req.on('end', () => (res.write('first '), res.end('second')));
      req.resume();
    });
    const body = chunked(['hello', Buffer.from(' world')], { 'X-Trailer': 'yes' });
    const { response, socket } = await rawExchange(
      port,
      'POST',
      '/',
      { 'Transfer-Encoding': 'chunked' },
      body,
    );
    expect(response.informational.map(({ status }) => status)).toEqual([103]);
    expect(response.all('x-twice')).toEqual(['a', 'b']);
    expect(() => response.header('x-twice')).toThrow('sent 2 times');
    expect(response.body.toString()).toBe('first second');
    expect(socket.fate).toBe('open');
  });

  it('tells an end from a reset', async () => {
    const port = await standIn((req, res) => {
      if (req.url === '/reset') req.socket.resetAndDestroy();
      else res.setHeader('Connection', 'close').end('bye');
    });
    const polite = await rawExchange(port, 'GET', '/', {});
    expect(await polite.socket.closed()).toBe('ended');
    const rude = await RawSocket.connect(port);
    await rude.sendHead('GET', '/reset', {});
    expect(await rude.closed()).toBe('reset');
    await expect(rude.response()).rejects.toThrow('reset before an answer');
  });

  it('reads answers of pipelined requests one by one, a HEAD without a body', async () => {
    const port = await standIn((req, res) => res.end(req.url));
    const socket = await RawSocket.connect(port);
    await socket.send('HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n');
    expect((await socket.response('HEAD')).body).toHaveLength(0);
    expect((await socket.response()).body.toString()).toBe('/b');
    expect(socket.unread).toHaveLength(0);
  });
});

describe('the proxy', () => {
  it('forwards, cuts after a number of bytes, and refuses', async () => {
    let arrived = 0;
    const port = await standIn((req, res) => {
      req.on('data', (chunk: Buffer) => (arrived += chunk.length));
      req.on('error', () => undefined);
      req.on('end', () => res.end(String(arrived)));
    });
    const proxy = await startProxy(port);
    const url = proxy.through(`http://127.0.0.1:${port}/`);
    const content = randomContent('proxy', 300_000);
    expect((await send('POST', url, {}, content)).text).toBe('300000');

    arrived = 0;
    proxy.cutAfter(100_000);
    await expect(send('POST', url, {}, content)).rejects.toThrow();
    expect(proxy.cuts()).toBe(1);
    await eventually('bytes before the cut', () => arrived > 0);
    expect(arrived).toBeLessThan(100_000);

    proxy.refuse(true);
    await expect(send('GET', url)).rejects.toThrow();
    proxy.refuse(false);
    expect((await send('GET', url)).status).toBe(200);
  });

  it('stalls without closing', async () => {
    let closed = false;
    let arrived = 0;
    const port = await standIn((req, res) => {
      if (req.method === 'GET') return void res.end('alive');
      req.on('data', (chunk: Buffer) => (arrived += chunk.length));
      req.on('close', () => (closed = true));
      req.on('error', () => undefined);
    });
    const proxy = await startProxy(port);
    const socket = await RawSocket.connect(proxy.port);
    await socket.sendHead('POST', '/', { 'Content-Length': '100' });
    await socket.send('before');
    await eventually('the first bytes', () => arrived === 6);
    proxy.stall();
    await socket.send('after');
    socket.destroy();
    expect((await send('GET', `http://127.0.0.1:${port}/`)).text).toBe('alive');
    expect(arrived).toBe(6);
    expect(closed).toBe(false);
  });
});
