import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../harness/eventually.js';
import { descriptorsOf } from '../harness/linux-process.js';
import { openPatch } from '../harness/open-patch.js';
import { randomContent } from '../harness/random-content.js';
import { RawSocket } from '../harness/raw-socket.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { createUpload, head, storeUpload } from '../harness/tus-requests.js';

/** Nothing here is closed later than this, if it is closed at all. */
const GENEROUS_MS = 20_000;

describe('--header-timeout', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer({ flags: ['--header-timeout', '500ms'] });
  });

  it.each([
    ['sends nothing', ''],
    ['sends half a request line', 'PATCH /fi'],
    ['sends half a head', 'PATCH /files/x HTTP/1.1\r\nHost: x\r\nUpload-Off'],
    ['sends a line break', '\r\n'],
  ])('closes a connection that %s and is silent', async (_, bytes) => {
    const socket = await RawSocket.connect(server.port);
    if (bytes) await socket.send(bytes);
    await socket.closed(GENEROUS_MS);
  });

  it('closes a connection whose head comes a byte at a time', async () => {
    const socket = await RawSocket.connect(server.port);
    await socket.send('GET /files/x HTTP/1.1\r\nX: ');
    const dripping = setInterval(() => void socket.send('x'), 100);
    try {
      await socket.closed(GENEROUS_MS);
    } finally {
      clearInterval(dripping);
    }
  });

  it('closes one that is slow with its second head', async () => {
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('OPTIONS', '/files/', {});
    await socket.response();
    await socket.send('PATCH /files/x HTTP/1.1\r\nHo');
    await socket.closed(GENEROUS_MS);
  });

  it('leaves a body the time that it takes', async () => {
    const url = await createUpload(server.url, 20);
    const socket = await openPatch(url, { offset: 0, length: 20 });
    for (let count = 0; count < 20; count += 1) {
      await pause(100);
      await socket.send('x');
    }
    expect((await socket.response()).status).toBe(204);
  });
});

describe('--keep-alive-timeout', () => {
  it('says how long an idle connection stays open', async () => {
    const server = await startServer({ flags: ['--keep-alive-timeout', '2s'] });
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('OPTIONS', '/files/', {});
    const response = await socket.response();
    expect(response.header('keep-alive')).toBe('timeout=2');
    await socket.closed(GENEROUS_MS);
  });

  it('is longer than the 60 seconds of load balancers by default', async () => {
    const server = await startServer();
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('OPTIONS', '/files/', {});
    expect((await socket.response()).header('keep-alive')).toBe('timeout=75');
  });
});

describe('--max-connections', () => {
  it('closes those beyond the number at once, keeps the others, and takes a new one when one has ended', async () => {
    const server = await startServer({ flags: ['--max-connections', '5'] });
    const held = await Promise.all([1, 2, 3, 4, 5].map(() => RawSocket.connect(server.port)));
    // All five are with the server once they are answered.
    for (const socket of held) {
      await socket.sendHead('OPTIONS', '/files/', {});
      expect((await socket.response()).status).toBe(200);
    }
    for (let count = 0; count < 3; count += 1) {
      const socket = await RawSocket.connect(server.port);
      await socket.closed(GENEROUS_MS);
      expect(socket.unread.length).toBe(0);
    }
    for (const socket of held) {
      expect(socket.fate).toBe('open');
      await socket.sendHead('OPTIONS', '/files/', {});
      expect((await socket.response()).status).toBe(200);
    }
    held[0]?.destroy();
    await eventually('a new connection is served', async () => {
      const socket = await RawSocket.connect(server.port);
      await socket.sendHead('OPTIONS', '/files/', {});
      return socket.response().then(
        ({ status }) => status === 200,
        () => false,
      );
    });
  });

  it('is shared out among the workers', async () => {
    const server = await startServer({
      flags: ['--max-connections', '4', '--workers', '2', '--locker', 'file'],
    });
    const sockets = Array.from({ length: 12 }, () =>
      connect(server.port, '127.0.0.1').on('error', () => undefined),
    );
    let closed = 0;
    for (const socket of sockets) socket.resume().once('close', () => (closed += 1));
    await eventually('all but four are closed', () => closed >= 8);
    expect(closed).toBe(8);
    for (const socket of sockets) socket.destroy();
  });
});

describe('a body that comes after the answer', () => {
  let server: ServerProcess;
  let finished: string;
  beforeAll(async () => {
    server = await startServer({ flags: ['--network-timeout', '2s', '--max-size', '1GiB'] });
    finished = new URL(await storeUpload(server.url, 'finished')).pathname;
  });

  const append = {
    'Tus-Resumable': '1.0.0',
    'Upload-Offset': '0',
    'Content-Type': 'application/offset+octet-stream',
  };
  const cases: [string, string, () => string, Record<string, string>][] = [
    ['a PATCH of no upload', 'PATCH', () => '/files/0123', append],
    ['a PATCH of a large body', 'PATCH', () => '/files/0123', { ...append, 'Content-Length': '9000000' }],
    ['a PATCH in chunks', 'PATCH', () => '/files/0123', { ...append, 'Transfer-Encoding': 'chunked' }],
    ['a POST of a wrong version', 'POST', () => '/files/', { 'Tus-Resumable': '0.0.1' }],
    ['a GET with a body', 'GET', () => finished, {}],
    ['a HEAD with a body', 'HEAD', () => finished, { 'Tus-Resumable': '1.0.0' }],
    ['OPTIONS with a body', 'OPTIONS', () => '/files/', {}],
    ['a request that no route takes', 'POST', () => '/elsewhere', {}],
    ['a request for the description', 'GET', () => '/', {}],
    ['an upload URL that cannot be', 'PATCH', () => '/files/%00', append],
  ];
  it.each(cases)(
    'is read for a while, and then the connection is closed: %s',
    async (_, method, target, headers) => {
      const socket = await RawSocket.connect(server.port);
      const coding: Record<string, string> =
        'Transfer-Encoding' in headers ? {} : { 'Content-Length': '60000' };
      await socket.sendHead(method, target(), { ...coding, ...headers });
      const dripping = setInterval(
        () => void socket.send('Transfer-Encoding' in headers ? '1\r\nx\r\n' : 'x'),
        200,
      );
      try {
        expect((await socket.response(method)).status).toBeGreaterThanOrEqual(200);
        await socket.closed(GENEROUS_MS);
      } finally {
        clearInterval(dripping);
      }
    },
  );

  it('leaves the connection to the next request when it is short', async () => {
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('PATCH', '/files/0123', { ...append, 'Content-Length': '5' });
    expect((await socket.response()).status).toBe(404);
    await socket.send('hello');
    await socket.sendHead('OPTIONS', '/files/', {});
    expect((await socket.response()).status).toBe(200);
  });

  it('does not end requests before it on the connection', async () => {
    const url = await createUpload(server.url, 4);
    const socket = await openPatch(url, { offset: 0, length: 4 });
    // The second one is parsed and refused while the first waits to be answered.
    const second = `PATCH /files/0123 HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 9000000\r\n\r\n`;
    await socket.send(`done${second}`);
    expect((await socket.response()).status).toBe(204);
    expect((await socket.response()).status).toBe(404);
    await socket.closed(GENEROUS_MS);
  });
});

describe('a download', () => {
  it('is cut when its reader takes nothing, and gives its descriptors back; a slow reader is not cut', async () => {
    const server = await startServer({ flags: ['--network-timeout', '500ms'] });
    const content = randomContent('stalled', 16 * 1024 * 1024);
    const url = await storeUpload(server.url, content);
    expect((await head(url)).status).toBe(200);
    const before = await descriptorsOf(server.pid);
    const request = `GET ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    const slow = connect(server.port, '127.0.0.1');
    slow.write(request);
    let taken = 0;
    slow.on('readable', () => undefined);
    const reading = setInterval(() => {
      const chunk = slow.read(Math.min(10_240, slow.readableLength)) as Buffer | null;
      taken += chunk?.length ?? 0;
    }, 100);
    const stalled = Array.from({ length: 10 }, () => {
      const socket = connect(server.port, '127.0.0.1')
        .on('error', () => undefined)
        .pause();
      socket.write(request);
      return socket;
    });
    await eventually(
      'all downloads are under way',
      async () => (await descriptorsOf(server.pid)) >= before + 20,
    );
    await eventually(
      'the stalled ones are cut',
      async () => (await descriptorsOf(server.pid)) <= before + 2,
      GENEROUS_MS,
    );
    expect(slow.destroyed).toBe(false);
    clearInterval(reading);
    slow.removeAllListeners('readable');
    slow.resume();
    const onData = (chunk: Buffer) => (taken += chunk.length);
    slow.on('data', onData);
    await new Promise((resolve) => slow.once('close', resolve));
    expect(taken).toBeGreaterThan(content.length);
    for (const socket of stalled) socket.destroy();
  });
});
