import type { IncomingMessage } from 'node:http';
import { eventually } from '../harness/eventually.js';
import { hooked, refusal } from '../harness/hooked-server.js';
import { openPatch } from '../harness/open-patch.js';
import { randomContent } from '../harness/random-content.js';
import { RawSocket } from '../harness/raw-socket.js';
import { createUpload, download, head, OFFSET_STREAM } from '../harness/tus-requests.js';

/** A hook that waits until it is told to go on. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, hook: () => opened };
}

async function openCreation(port: number, length: number): Promise<RawSocket> {
  const socket = await RawSocket.connect(port);
  await socket.sendHead('POST', '/files/', {
    'Tus-Resumable': '1.0.0',
    'Content-Type': OFFSET_STREAM,
    'Upload-Length': String(length),
    'Transfer-Encoding': 'chunked',
  });
  return socket;
}

/** Each byte as a chunk of its own, without the end. */
const byteByByte = (content: Buffer) =>
  Buffer.concat([...content].map((byte) => Buffer.from([0x31, 13, 10, byte, 13, 10])));
const END = '0\r\n\r\n';

async function startWaiting() {
  const waiting = gate();
  const started = await hooked({ create: waiting.hook });
  const requests: IncomingMessage[] = [];
  started.server.http.on('request', (request: IncomingMessage) => void requests.push(request));
  return { ...started, waiting, requests };
}

describe('a body that comes while its request waits', () => {
  it('in pieces of one byte, is not kept as pieces, and is stored whole', async () => {
    const { server, waiting, requests, calls } = await startWaiting();
    const content = randomContent('early', 10_000);
    const socket = await openCreation(server.port, content.length);
    await eventually('the hook is asked', () => calls.create === 1);
    await socket.send(byteByByte(content));
    await socket.send(END);
    await eventually('all of it has been read', () => requests[0]?.readableEnded === true);
    expect(requests[0]?.readableLength).toBe(0);
    waiting.open();
    const response = await socket.response();
    expect([response.status, response.header('upload-offset')]).toEqual([201, '10000']);
    const url = new URL(response.header('location') ?? '', server.url).href;
    expect((await download(url)).body.equals(content)).toBe(true);
  });

  it('of more than may wait, holds its client up, and is stored whole afterwards', async () => {
    const { server, waiting, calls } = await startWaiting();
    const content = randomContent('early', 8 * 2 ** 20);
    const socket = await openCreation(server.port, content.length);
    await eventually('the hook is asked', () => calls.create === 1);
    let isSent = false;
    const sending = socket
      .send(
        Buffer.concat([
          Buffer.from(`${content.length.toString(16)}\r\n`),
          content,
          Buffer.from(`\r\n${END}`),
        ]),
      )
      .then(() => (isSent = true));
    await eventually('something has come', async () => server.handler.metrics.requestsInFlight === 1);
    expect(isSent).toBe(false);
    waiting.open();
    await sending;
    const response = await socket.response();
    expect([response.status, response.header('upload-offset')]).toEqual([201, String(content.length)]);
    const url = new URL(response.header('location') ?? '', server.url).href;
    expect((await download(url)).body.equals(content)).toBe(true);
  });

  it('is let go when the hook refuses', async () => {
    const waiting = gate();
    const { server, calls } = await hooked({
      create: () => waiting.hook().then(() => Promise.reject(refusal(403))),
    });
    const socket = await openCreation(server.port, 100);
    await eventually('the hook is asked', () => calls.create === 1);
    await socket.send(byteByByte(randomContent('early', 50)));
    waiting.open();
    expect((await socket.response()).status).toBe(403);
    await socket.closed();
    expect(await server.uploads()).toEqual([]);
  });

  it('waits for a lock just as well', async () => {
    const { server } = await hooked({});
    const url = await createUpload(server.url, 20);
    const lock = server.locker.newLock(new URL(url).pathname.split('/').at(-1) ?? '');
    await lock.lock(new AbortController().signal, () => undefined);
    const socket = await openPatch(url, { offset: 0, length: 'chunked' });
    await socket.send(byteByByte(Buffer.from('0123456789abcdefghij')));
    await socket.send(END);
    await eventually('it waits', () => server.handler.metrics.requestsInFlight === 1);
    await lock.unlock();
    expect((await socket.response()).status).toBe(204);
    expect((await download(url)).text).toBe('0123456789abcdefghij');
  });

  it('is kept as far as it came when its client leaves', async () => {
    const { server } = await hooked({});
    const url = await createUpload(server.url, 20);
    const lock = server.locker.newLock(new URL(url).pathname.split('/').at(-1) ?? '');
    await lock.lock(new AbortController().signal, () => undefined);
    const socket = await openPatch(url, { offset: 0, length: 'chunked' });
    await eventually('it waits', () => server.handler.metrics.requestsInFlight === 1);
    await socket.send(byteByByte(Buffer.from('01234')));
    await lock.unlock();
    await eventually('five bytes are there', async () => server.progress(url) >= 5);
    socket.reset();
    await eventually('five bytes are stored', async () => (await head(url)).headers['upload-offset'] === '5');
  });
});
