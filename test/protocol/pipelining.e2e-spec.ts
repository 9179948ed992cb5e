import { connect } from 'node:net';
import { eventually } from '../harness/eventually.js';
import { descriptorsOf } from '../harness/linux-process.js';
import { startInProcess } from '../harness/in-process-server.js';
import { RawSocket } from '../harness/raw-socket.js';
import { startServer } from '../harness/server-process.js';
import { createUpload, download, storeUpload } from '../harness/tus-requests.js';

const head = (method: string, url: string, fields: readonly string[]) =>
  [`${method} ${new URL(url).pathname} HTTP/1.1`, 'Host: x', 'Tus-Resumable: 1.0.0', ...fields, '', ''].join(
    '\r\n',
  );

describe('requests that are sent before the answers of those ahead', () => {
  it('are done in their order: each PATCH goes on where the one before it ended', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 30);
    const socket = await RawSocket.connect(server.port);
    const patches = [0, 10, 20].map(
      (offset) =>
        head('PATCH', url, [
          'Content-Type: application/offset+octet-stream',
          `Upload-Offset: ${offset}`,
          'Content-Length: 10',
        ]) + '0123456789',
    );
    await socket.send(patches.join(''));
    for (const offset of ['10', '20', '30']) {
      const response = await socket.response();
      expect([response.status, response.header('upload-offset')]).toEqual([204, offset]);
    }
    expect((await download(url)).text).toBe('0123456789'.repeat(3));
  });

  it.each(['GET', 'HEAD'])('do not open a file each: thousands of %s on one connection', async (method) => {
    const server = await startServer();
    const url = await storeUpload(server.url, 'x'.repeat(100_000));
    const before = await descriptorsOf(server.pid);
    const socket = connect(server.port, '127.0.0.1')
      .on('error', () => undefined)
      .pause();
    socket.write(head(method, url, []).repeat(5_000));
    let most = 0;
    for (let count = 0; count < 100; count += 1) {
      most = Math.max(most, await descriptorsOf(server.pid));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(most - before).toBeLessThan(20);
    socket.destroy();
    await eventually('all are closed', async () => (await descriptorsOf(server.pid)) <= before);
  });

  it('are answered as far as a hundred wait', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 30);
    const socket = await RawSocket.connect(server.port);
    await socket.send(head('HEAD', url, []).repeat(100));
    for (let count = 0; count < 100; count += 1) expect((await socket.response('HEAD')).status).toBe(200);
  });

  it('close the connection when thousands wait', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 30);
    const socket = connect(server.port, '127.0.0.1')
      .on('error', () => undefined)
      .pause();
    socket.write(head('HEAD', url, []).repeat(20_000));
    await new Promise((resolve) => socket.once('close', resolve).resume());
    await eventually('nothing runs', () => server.handler.metrics.requestsInFlight === 0);
    expect((await download(await storeUpload(server.url, 'hello'))).text).toBe('hello');
  });

  it('end with their connection', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 30);
    const socket = await RawSocket.connect(server.port);
    const fields = [
      'Content-Type: application/offset+octet-stream',
      'Upload-Offset: 0',
      'Content-Length: 10',
    ];
    await socket.send(`${head('PATCH', url, fields)}01234`);
    await eventually('it runs', () => server.handler.metrics.requestsInFlight === 1);
    await socket.send(`56789${head('HEAD', url, []).repeat(50)}`);
    socket.reset();
    await eventually('nothing runs', () => server.handler.metrics.requestsInFlight === 0);
  });
});
