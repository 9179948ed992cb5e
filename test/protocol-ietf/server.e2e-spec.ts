import { MemoryStore, StoreComposer } from '@nestjs-tus/core';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { rawExchange, RawSocket } from '../harness/raw-socket.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { DraftClient, fieldsOf, limitsOf, locationOf, version } from './draft-requests.js';

describe('the server as its users run it', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer({
      flags: [
        '--enable-experimental-protocol',
        ...['--min-size', '2', '--min-append-size', '3', '--max-append-size', '1KiB', '--max-size', '1MiB'],
        ...['--expire-after', '1h'],
      ],
    });
  });

  it('announces uploads, and has the limits of its flags', async () => {
    const client = new DraftClient(server, version(9));
    const response = await client.create('hello', { complete: false, length: 11 });
    expect(response.informational.map(({ status }) => status)).toEqual([104]);
    expect(limitsOf(response)).toEqual({
      'min-size': 2,
      'max-size': 1_048_576,
      'min-append-size': 3,
      'max-append-size': 1_024,
      'max-age': expect.any(Number),
    });
    const target = locationOf(response);
    expect(await client.state(target)).toEqual({ offset: 5, length: 11, complete: false });
    const last = await client.append(target, ' world', { complete: true, offset: 5 });
    expect(client.isComplete(last)).toBe(true);
    expect((await client.get(target)).body.toString()).toBe('hello world');
    expect((await client.cancel(target)).status).toBe(204);
  });

  it.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain'])(
    'stores content of type %s',
    async (type) => {
      const client = new DraftClient(server, version(6));
      const created = await client.create('{"a":1}', { complete: true, headers: { 'Content-Type': type } });
      const target = locationOf(created);
      const served = await client.get(target);
      expect(served.body.toString()).toBe('{"a":1}');
      expect(served.header('Content-Type')).toBe(type);
    },
  );

  it('creates by PUT, too', async () => {
    const fields = fieldsOf(version(9), { complete: true, headers: { 'Content-Length': '5' } });
    const { response } = await rawExchange(server.port, 'PUT', '/files/', fields, 'hello');
    expect(response.status).toBe(201);
    expect((await rawExchange(server.port, 'PUT', '/files/', {})).response.status).toBe(405);
  });

  it('takes HEAD and DELETE without a number for what made the upload', async () => {
    const client = new DraftClient(server, version(undefined));
    const target = await client.reserve({ length: 5 });
    expect(await client.state(target)).toEqual({ offset: 0, length: 5, complete: false });
    expect((await client.get(target)).status).toBe(204);
    expect((await client.cancel(target)).status).toBe(204);
  });
});

describe('pipelined requests', () => {
  it('get their 104 in turn', async () => {
    const server = await startInProcess({ enableExperimentalProtocol: true });
    const socket = await RawSocket.connect(server.port);
    for (const body of ['first', 'second']) {
      const headers = { 'Content-Length': String(body.length) };
      await socket.sendHead('POST', '/files/', fieldsOf(version(9), { complete: true, headers }));
      await socket.send(body);
    }
    const client = new DraftClient(server, version(9));
    for (const content of ['first', 'second']) {
      const response = await socket.response('POST');
      expect(response.informational.map(({ status }) => status)).toEqual([104]);
      const [interim] = response.informational;
      expect(interim && locationOf(interim)).toBe(locationOf(response));
      expect((await client.get(locationOf(response))).body.toString()).toBe(content);
    }
  });
});

describe('a store that can do less', () => {
  function start(composer: StoreComposer): Promise<InProcessServer> {
    return startInProcess({ enableExperimentalProtocol: true, storeComposer: composer });
  }

  it('ST7: keeps an invalid upload that it cannot remove, and answers 410', async () => {
    const server = await start(StoreComposer.of(new MemoryStore()).useTerminater(undefined));
    const client = new DraftClient(server, version(9));
    const target = await client.reserve({ length: 5 });
    expect((await client.append(target, 'hello!', { complete: false, offset: 0 })).status).toBe(400);
    const head = await client.head(target);
    expect(head.status).toBe(410);
    const append = await client.append(target, 'hello', { complete: true, offset: 0 });
    expect(append.status).toBe(410);
    expect(client.isComplete(append)).toBe(false);
  });

  it('501s an upload of unknown length where lengths cannot be deferred', async () => {
    const server = await start(StoreComposer.of(new MemoryStore()).useLengthDeferrer(undefined));
    const client = new DraftClient(server, version(9));
    expect((await client.create('', { complete: false })).status).toBe(501);
    expect((await client.create('hello', { complete: true })).status).toBe(201);
  });

  it('ignores Content-Digest where a chunk cannot be taken back', async () => {
    const server = await start(StoreComposer.of(new MemoryStore()).useVerifier(undefined));
    const headers = { 'Content-Digest': 'sha-256=:AAAA:' };
    const response = await new DraftClient(server, version(9)).create('hello', { complete: true, headers });
    expect(response.header('Upload-Complete')).toBe('?1');
  });

  it('does not serve the draft where it cannot write down what is complete, and says so', async () => {
    const server = await start(StoreComposer.of(new MemoryStore()).useUpdater(undefined));
    expect(server.complaints).toEqual([expect.stringContaining('enableExperimentalProtocol has no effect')]);
    expect((await new DraftClient(server, version(9)).create('hello', { complete: true })).status).toBe(412);
  });
});

describe('CORS', () => {
  it('lets scripts send and see what the draft needs, where it is served', async () => {
    const preflight = async (options: { enableExperimentalProtocol: boolean }) => {
      const { port } = await startInProcess(options);
      const { response } = await rawExchange(port, 'OPTIONS', '/files/', {
        Origin: 'https://app.example',
        'Access-Control-Request-Method': 'POST',
      });
      return response.header('Access-Control-Allow-Headers');
    };
    expect(await preflight({ enableExperimentalProtocol: true })).toContain('Content-Digest');
    expect(await preflight({ enableExperimentalProtocol: false })).not.toContain('Content-Digest');
  });
});
