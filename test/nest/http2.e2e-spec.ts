import { FastifyAdapter } from '@nestjs/platform-fastify';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { MemoryStore, TusModule } from 'nestjs-tus';
import { closeApps, startApp } from './apps/start-app.js';
import { TLS } from './apps/tls.js';

const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await closeApps();
});

/** Express has no HTTP/2. */
describe.each([
  ['without TLS', () => new FastifyAdapter({ http2: true }), 'http'],
  ['over TLS', () => new FastifyAdapter({ http2: true, https: TLS }), 'https'],
])('HTTP/2 %s', (_name, makeAdapter, scheme) => {
  const start = async () => {
    const { url } = await startApp(
      {
        imports: [
          TusModule.forRoot({
            store: { useFactory: () => new MemoryStore() },
            guards: [
              {
                canActivate: (context) =>
                  !('x-bad' in context.switchToHttp().getRequest<{ headers: object }>().headers),
              },
            ],
          }),
        ],
      },
      { adapter: makeAdapter(), prepare: (app) => app.enableCors() },
    );
    const session = connect(url.replace('http:', `${scheme}:`), { rejectUnauthorized: false });
    sessions.push(session);
    return { url: url.replace('http:', `${scheme}:`), session };
  };

  async function send(session: ClientHttp2Session, headers: Record<string, string>, body = '') {
    const stream = session.request(
      {
        'tus-resumable': '1.0.0',
        'content-length': String(Buffer.byteLength(body)),
        ...headers,
      },
      { endStream: body === '' },
    );
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
    const response = new Promise<IncomingHttpHeaders>((resolve, reject) => {
      stream.once('response', resolve).once('error', reject);
    });
    const ended = new Promise((resolve) => stream.once('end', resolve));
    if (body !== '') stream.end(body);
    const answer = await response;
    await ended;
    return { status: answer[':status'], headers: answer, body: Buffer.concat(chunks).toString() };
  }

  it('serves the whole life of an upload', async () => {
    const { url, session } = await start();
    const created = await send(session, {
      ':method': 'POST',
      ':path': '/files/',
      'upload-length': '10',
    });
    expect(created.status).toBe(201);
    expect(created.headers.location).toMatch(new RegExp(`^${url}/files/[0-9a-f]{32}$`));
    const path = new URL(String(created.headers.location)).pathname;
    const patch = (offset: string, body: string, further: Record<string, string> = {}) =>
      send(
        session,
        {
          ':method': 'PATCH',
          ':path': path,
          'upload-offset': offset,
          'content-type': 'application/offset+octet-stream',
          ...further,
        },
        body,
      );
    expect(await patch('0', 'hello')).toMatchObject({ status: 204, headers: { 'upload-offset': '5' } });
    expect(await patch('5', 'world', { 'x-bad': '1' })).toMatchObject({
      status: 403,
      headers: { 'tus-resumable': '1.0.0' },
    });
    expect(await patch('5', 'world', { ':method': 'POST', 'x-http-method-override': 'PATCH' })).toMatchObject(
      { status: 204 },
    );
    expect(await send(session, { ':method': 'HEAD', ':path': path })).toMatchObject({
      status: 200,
      headers: { 'upload-offset': '10' },
    });
    expect((await send(session, { ':method': 'GET', ':path': path })).body).toBe('helloworld');
    expect(await send(session, { ':method': 'OPTIONS', ':path': '/files' })).toMatchObject({
      status: 200,
      headers: { 'tus-version': '1.0.0' },
    });
    expect(await send(session, { ':method': 'PUT', ':path': path })).toMatchObject({
      status: 405,
      headers: { allow: 'OPTIONS, HEAD, PATCH, GET, DELETE' },
    });
    expect((await send(session, { ':method': 'DELETE', ':path': path })).status).toBe(204);
  });

  it('goes on after the refusal of a body that nobody reads', async () => {
    const { session } = await start();
    const headers = { ':method': 'POST', ':path': '/files', 'upload-length': '300000', 'x-bad': '1' };
    const refused = await send(session, headers, 'x'.repeat(300_000));
    expect(refused).toMatchObject({ status: 403, headers: { 'tus-resumable': '1.0.0' } });
    expect((await send(session, { ':method': 'OPTIONS', ':path': '/files' })).status).toBe(200);
    expect(session.closed).toBe(false);
  });
});
