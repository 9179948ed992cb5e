import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryStore, StoreComposer, TusHandler } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { RawSocket } from '../harness/raw-socket.js';

const SLOW = 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n';
const EXPECTING = 'POST /other HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';

/** A server with an endpoint, and other routes beside it, which keep what they answer until the test says so. */
async function serve() {
  const store = new MemoryStore();
  const handler = new TusHandler({ storeComposer: StoreComposer.of(store), basePath: '/files/' });
  const responses = new Map<string, ServerResponse>();
  const server = createServer((req, res) => void responses.set(req.url ?? '', res));
  handler.acceptContinue(server, (req) => req.url?.startsWith('/files') === true);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { port: (server.address() as AddressInfo).port, responses };
}

const servers: ReturnType<typeof createServer>[] = [];
afterAll(() => servers.forEach((server) => server.close().closeAllConnections()));

describe('100 (Continue) for a request that is no upload', () => {
  it('never comes within an answer that was ready before the answers ahead', async () => {
    const { port, responses } = await serve();
    const socket = await RawSocket.connect(port);
    await socket.send(SLOW + EXPECTING);
    await eventually('both have come', () => responses.size === 2);
    responses.get('/other')?.end(Buffer.from('mine'));
    responses.get('/slow')?.end('slow');
    expect((await socket.response()).body.toString()).toBe('slow');
    const response = await socket.response();
    expect([response.status, response.body.toString()]).toEqual([200, 'mine']);
  });

  it('comes when the answers ahead are out', async () => {
    const { port, responses } = await serve();
    const socket = await RawSocket.connect(port);
    await socket.send(SLOW + EXPECTING);
    await eventually('both have come', () => responses.size === 2);
    responses.get('/slow')?.end('slow');
    expect((await socket.response()).body.toString()).toBe('slow');
    expect((await socket.message()).status).toBe(100);
    responses.get('/other')?.end(Buffer.from('mine'));
    expect((await socket.response()).body.toString()).toBe('mine');
  });

  it('comes at once when nothing is ahead', async () => {
    const { port, responses } = await serve();
    const socket = await RawSocket.connect(port);
    await socket.send(EXPECTING);
    expect((await socket.message()).status).toBe(100);
    responses.get('/other')?.end('mine');
    expect((await socket.response()).body.toString()).toBe('mine');
  });
});
